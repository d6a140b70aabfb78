package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// client speaks to the API server as the stand-ins do: JSON, and a field manager for each write.
type client struct {
	server string
	token  string
	http   *http.Client
}

// refusal is an answer of the server that is no success.
type refusal struct {
	code    int
	request string
	message string
}

func (r *refusal) Error() string { return fmt.Sprintf("%s: %d %s", r.request, r.code, r.message) }

func isCode(err error, code int) bool {
	refused, ok := err.(*refusal)
	return ok && refused.code == code
}

func newClient(server string, bundle []byte, token string) (*client, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(bundle) {
		return nil, fmt.Errorf("kube-apiserver wrote a certificate that cannot be read")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	return &client{server: server, token: token, http: &http.Client{Transport: transport}}, nil
}

// send makes one request; the answer's body is the caller's to close.
func (c *client) send(ctx context.Context, method, path, kind string, body any) (*http.Response, error) {
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		reader = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.server+path, reader)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "stand-ins")
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= 300 {
		defer response.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<16))
		var status struct{ Message string }
		if json.Unmarshal(text, &status) != nil || status.Message == "" {
			status.Message = string(text)
		}
		return nil, &refusal{response.StatusCode, method + " " + path, status.Message}
	}
	return response, nil
}

func (c *client) object(ctx context.Context, method, path, kind string, body any) (object, error) {
	response, err := c.send(ctx, method, path, kind, body)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var answer object
	return answer, json.NewDecoder(response.Body).Decode(&answer)
}

func (c *client) ready(ctx context.Context) error {
	response, err := c.send(ctx, "GET", "/readyz", "", nil)
	if err == nil {
		response.Body.Close()
	}
	return err
}

func as(path, manager string) string { return path + "?fieldManager=" + url.QueryEscape(manager) }

func (c *client) get(ctx context.Context, path string) (object, error) {
	return c.object(ctx, "GET", path, "", nil)
}

// create makes an object; that it exists already is as good.
func (c *client) create(ctx context.Context, path, manager string, body object) error {
	_, err := c.object(ctx, "POST", as(path, manager), "application/json", body)
	if isCode(err, http.StatusConflict) {
		return nil
	}
	return err
}

// operation is one step of a JSON patch.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// patch changes an object that must still be as it was seen. Being late is no error: whoever asked sees the newer one, and asks again.
func (c *client) patch(ctx context.Context, path, manager string, seen object, steps ...operation) error {
	guard := operation{"test", "/metadata/resourceVersion", seen.text("metadata", "resourceVersion")}
	_, err := c.object(ctx, "PATCH", as(path, manager), "application/json-patch+json", append([]operation{guard}, steps...))
	if isCode(err, http.StatusUnprocessableEntity) || isCode(err, http.StatusConflict) || isCode(err, http.StatusNotFound) {
		if newer, failed := c.get(ctx, path); failed == nil && newer.text("metadata", "resourceVersion") == guard.Value {
			return err
		}
		return nil
	}
	return err
}

// merge changes an object by a JSON merge patch.
func (c *client) merge(ctx context.Context, path, manager string, body object) error {
	_, err := c.object(ctx, "PATCH", as(path, manager), "application/merge-patch+json", body)
	return err
}

func (c *client) remove(ctx context.Context, path string) error {
	_, err := c.object(ctx, "DELETE", path, "", nil)
	if isCode(err, http.StatusNotFound) {
		return nil
	}
	return err
}
