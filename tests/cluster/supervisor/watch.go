package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// mirror holds the objects of some kinds as the server has them, and tells when one changed.
type mirror struct {
	client  *client
	lock    sync.Mutex
	kinds   map[string]map[string]object
	paths   map[string]string
	changed chan struct{}
}

func newMirror(client *client) *mirror {
	return &mirror{client: client, kinds: map[string]map[string]object{}, paths: map[string]string{}, changed: make(chan struct{}, 1)}
}

// follow keeps a kind, named by its path such as `/api/v1/pods`. One that is not served is empty until it is.
func (m *mirror) follow(ctx context.Context, name string, path func(context.Context) (string, error)) {
	go func() {
		for ctx.Err() == nil {
			found, err := path(ctx)
			if err == nil {
				err = m.once(ctx, name, found)
			}
			if err != nil {
				m.replace(name, "", nil)
			}
			select {
			case <-ctx.Done():
			case <-time.After(300 * time.Millisecond):
			}
		}
	}()
}

// at is a path that never changes.
func at(path string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return path, nil }
}

// served is the path of a kind of a group whose version is the one that the group prefers.
func (m *mirror) served(group, plural string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		found, err := m.client.get(ctx, "/apis/"+group)
		if err != nil {
			return "", err
		}
		return "/apis/" + found.text("preferredVersion", "groupVersion") + "/" + plural, nil
	}
}

// once lists, then watches until the watch ends.
func (m *mirror) once(ctx context.Context, name, path string) error {
	list, err := m.client.get(ctx, path)
	if err != nil {
		return err
	}
	held := map[string]object{}
	for _, one := range list.objects("items") {
		held[one.key()] = one
	}
	m.replace(name, path, held)
	query := fmt.Sprintf("%s?watch=1&timeoutSeconds=600&resourceVersion=%s", path, list.text("metadata", "resourceVersion"))
	response, err := m.client.send(ctx, http.MethodGet, query, "", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	decoder := json.NewDecoder(response.Body)
	for {
		var event struct {
			Type   string
			Object object
		}
		// A watch that ended is begun again by a list, whatever ended it.
		if decoder.Decode(&event) != nil || event.Type == "ERROR" {
			return nil
		}
		m.lock.Lock()
		if event.Type == "DELETED" {
			delete(m.kinds[name], event.Object.key())
		} else {
			m.kinds[name][event.Object.key()] = event.Object
		}
		m.lock.Unlock()
		m.tell()
	}
}

func (m *mirror) replace(name, path string, held map[string]object) {
	if held == nil {
		held = map[string]object{}
	}
	m.lock.Lock()
	same := len(held) == 0 && len(m.kinds[name]) == 0 && m.paths[name] == path
	m.kinds[name], m.paths[name] = held, path
	m.lock.Unlock()
	if !same {
		m.tell()
	}
}

func (m *mirror) tell() {
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// all gives the objects of a kind, ordered by namespace and name.
func (m *mirror) all(name string) []object {
	m.lock.Lock()
	defer m.lock.Unlock()
	found := make([]object, 0, len(m.kinds[name]))
	for _, one := range m.kinds[name] {
		found = append(found, one)
	}
	slices.SortFunc(found, func(a, b object) int { return strings.Compare(a.key(), b.key()) })
	return found
}

// one gives an object by NAMESPACE/NAME or NAME; nil when there is none.
func (m *mirror) one(name, key string) object {
	m.lock.Lock()
	defer m.lock.Unlock()
	return m.kinds[name][key]
}

// path is where an object of a kind is.
func (m *mirror) path(name string, of object) string {
	m.lock.Lock()
	whole := m.paths[name]
	m.lock.Unlock()
	if space := of.namespace(); space != "" {
		cut := strings.LastIndex(whole, "/")
		return whole[:max(cut, 0)] + "/namespaces/" + space + whole[max(cut, 0):] + "/" + of.name()
	}
	return whole + "/" + of.name()
}

// version is the API version that a kind is read in.
func (m *mirror) version(name string) string {
	m.lock.Lock()
	defer m.lock.Unlock()
	parts := strings.Split(strings.Trim(m.paths[name], "/"), "/")
	if len(parts) == 4 {
		return parts[1] + "/" + parts[2]
	}
	return strings.Join(parts[1:max(1, len(parts)-1)], "/")
}
