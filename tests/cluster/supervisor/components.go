package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// plane is a control plane that is being booted: where things are, and who may speak to it.
type plane struct {
	*options
	network *network
	server  string
	tokens  map[string]string
	bundle  []byte
}

func (p *plane) path(parts ...string) string {
	return filepath.Join(append([]string{p.dir}, parts...)...)
}

// The audit log has whole requests of writes, and who read what; what components do among themselves is left out.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: [kwok, system:kube-controller-manager, system:kube-scheduler, system:apiserver]
  verbs: [get, list, watch]
- level: None
  resources: [{group: coordination.k8s.io, resources: [leases]}, {group: "", resources: [events]}]
- level: Request
  verbs: [create, update, patch, delete, deletecollection]
- level: Metadata
`

// etcdCommand is etcd's command line, and the address that it serves.
func (p *plane) etcdCommand() ([]string, string, error) {
	client, err := p.network.freePort()
	if err != nil {
		return nil, "", err
	}
	peer, err := p.network.freePort()
	if err != nil {
		return nil, "", err
	}
	clients := fmt.Sprintf("http://%s:%d", p.network.host(), client)
	peers := fmt.Sprintf("http://%s:%d", p.network.host(), peer)
	return []string{
		p.etcd, "etcd", "--data-dir", p.path("etcd"), "--unsafe-no-fsync", "--log-level", "warn",
		"--listen-client-urls", clients, "--advertise-client-urls", clients,
		"--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers, "--initial-cluster", "default=" + peers,
	}, clients, nil
}

func (p *plane) apiserverCommand(etcd string) ([]string, error) {
	port, err := p.network.freePort()
	if err != nil {
		return nil, err
	}
	p.server = fmt.Sprintf("https://%s:%d", p.network.host(), port)
	words := []string{
		p.kube, "kube-apiserver", "--etcd-servers", etcd, "--cert-dir", p.path("apiserver"),
		"--bind-address", p.network.host(), "--advertise-address", p.network.host(), "--secure-port", fmt.Sprint(port),
		"--endpoint-reconciler-type", "none", "--service-cluster-ip-range", p.network.services(),
		"--service-account-issuer", "https://kubernetes.default.svc",
		"--service-account-key-file", p.path("service-account.key"),
		"--service-account-signing-key-file", p.path("service-account.key"),
		"--authorization-mode", "RBAC", "--token-auth-file", p.path("tokens.csv"), "--allow-privileged=true",
	}
	if p.audit {
		if err := os.WriteFile(p.path("audit-policy.yaml"), []byte(auditPolicy), 0o600); err != nil {
			return nil, err
		}
		words = append(words, "--audit-log-path", p.path("audit.log"), "--audit-policy-file", p.path("audit-policy.yaml"))
	}
	return words, nil
}

// clientCommands are those that need a kubeconfig, each with one of its own.
func (p *plane) clientCommands() ([][]string, error) {
	controllers, err := p.network.freePort()
	if err != nil {
		return nil, err
	}
	scheduler, err := p.network.freePort()
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"kube-controller-manager", "kube-scheduler", "kwok"} {
		if err := writeKubeconfig(p.path(name+".kubeconfig"), p.server, p.bundle, p.tokens[name]); err != nil {
			return nil, err
		}
	}
	var insecure []string
	if p.version == "1.21" {
		// It still has a second port, the same one for every cluster.
		insecure = []string{"--port", "0"}
	}
	return [][]string{
		append([]string{p.kube, "kube-controller-manager", "--kubeconfig", p.path("kube-controller-manager.kubeconfig"),
			"--bind-address", p.network.host(), "--secure-port", fmt.Sprint(controllers), "--cert-dir", p.path("controllers"),
			"--service-account-private-key-file", p.path("service-account.key"), "--root-ca-file", p.path("apiserver", "apiserver.crt"),
			"--use-service-account-credentials=false", "--leader-elect=false", "--kube-api-qps", "500", "--kube-api-burst", "1000",
			// kwok renews no leases: its nodes are well until they are deleted.
			"--node-monitor-grace-period", "24h"}, insecure...),
		append([]string{p.kube, "kube-scheduler", "--kubeconfig", p.path("kube-scheduler.kubeconfig"), "--bind-address", p.network.host(),
			"--secure-port", fmt.Sprint(scheduler), "--cert-dir", p.path("scheduler"), "--leader-elect=false"}, insecure...),
		{p.kwok, "kwok", "--kubeconfig", p.path("kwok.kubeconfig"), "--manage-all-nodes=true"},
	}, nil
}
