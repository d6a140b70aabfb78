package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"sync"
	"time"
)

// authority signs what the stand-ins serve and what they write into Secrets.
type authority struct {
	key    *ecdsa.PrivateKey
	cert   *x509.Certificate
	bundle []byte
	lock   sync.Mutex
	issued map[string]*tls.Certificate
}

func newAuthority() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "stand-ins"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &authority{key: key, cert: cert, bundle: block("CERTIFICATE", der), issued: map[string]*tls.Certificate{}}, nil
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// pair is a certificate for these names and its key, both as PEM.
func (a *authority) pair(names []string, until time.Time) (cert, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if address := net.ParseIP(name); address != nil {
			template.IPAddresses = append(template.IPAddresses, address)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &private.PublicKey, a.key)
	if err != nil {
		return nil, nil, err
	}
	bytes, err := x509.MarshalECPrivateKey(private)
	return block("CERTIFICATE", der), block("EC PRIVATE KEY", bytes), err
}

// serve gives the certificate for whatever name a client asks for.
func (a *authority) serve(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := hello.ServerName
	if name == "" {
		name, _, _ = net.SplitHostPort(hello.Conn.LocalAddr().String())
	}
	a.lock.Lock()
	defer a.lock.Unlock()
	if cert, ok := a.issued[name]; ok {
		return cert, nil
	}
	certPEM, keyPEM, err := a.pair([]string{name}, time.Now().AddDate(1, 0, 0))
	if err != nil {
		return nil, err
	}
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, err
	}
	a.issued[name] = &cert
	return &cert, nil
}

// writeServiceAccountKey writes the key that signs service account tokens.
func writeServiceAccountKey(file string) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	return os.WriteFile(file, block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)), 0o600)
}

// The components have tokens of their own, so that an audit log tells who did what.
var identities = []struct{ name, user, groups string }{
	{"admin", "kfplan-test-admin", "system:masters"},
	{"kube-controller-manager", "system:kube-controller-manager", "system:masters"},
	{"kube-scheduler", "system:kube-scheduler", "system:masters"},
	{"kwok", "kwok", "system:masters"},
	{"stand-ins", "stand-ins", "system:masters"},
}

// writeTokens writes the token file: one token for each of the identities, then what the caller adds.
func writeTokens(file, more string) (map[string]string, error) {
	var text bytes.Buffer
	tokens := map[string]string{}
	for _, one := range identities {
		random := make([]byte, 16)
		if _, err := rand.Read(random); err != nil {
			return nil, err
		}
		tokens[one.name] = hex.EncodeToString(random)
		fmt.Fprintf(&text, "%s,%s,%s,%q\n", tokens[one.name], one.user, one.name, one.groups)
	}
	if more != "" {
		added, err := os.ReadFile(more)
		if err != nil {
			return nil, fmt.Errorf("--tokens: %w", err)
		}
		text.Write(added)
	}
	return tokens, os.WriteFile(file, text.Bytes(), 0o600)
}

// writeKubeconfig writes a kubeconfig with one context, `kfplan-test`.
func writeKubeconfig(file, server string, bundle []byte, token string) error {
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: kfplan-test
clusters:
- name: kfplan-test
  cluster:
    server: %s
    certificate-authority-data: %s
contexts:
- name: kfplan-test
  context:
    cluster: kfplan-test
    user: kfplan-test
users:
- name: kfplan-test
  user:
    token: %s
`, server, base64.StdEncoding.EncodeToString(bundle), token)
	return os.WriteFile(file, []byte(text), 0o600)
}
