package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// bootLimit is how long a boot may take: three seconds as a rule, more where many things run.
const bootLimit = 120 * time.Second

// supervise boots a cluster, says where its kubeconfig is, and keeps it until a signal, the parent's end or a
// component's failure. Then all of it ends.
func supervise(o *options) error {
	// A child is killed when the thread that started it ends (PR_SET_PDEATHSIG counts threads): so all are started by one that stays.
	runtime.LockOSThread()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	parent, err := watchParent(o.parent)
	if err != nil {
		return err
	}
	hold, err := occupy(o.dir)
	if err != nil {
		return err
	}
	defer hold.Close()
	network, err := claimNetwork()
	if err != nil {
		return err
	}
	defer network.claim.Close()

	context, cancel := context.WithCancel(context.Background())
	defer cancel()
	family := &family{dir: o.dir, failed: make(chan error, 8)}
	defer os.RemoveAll(filepath.Join(o.dir, "etcd"))
	defer family.end()
	ready := make(chan error, 1)
	plane := &plane{options: o, network: network}
	if err := plane.prepare(); err != nil {
		return err
	}
	// Starting is done by this thread; waiting for readiness is not, so that a signal ends a boot too.
	starts := make(chan []string)
	go func() { ready <- plane.boot(context, starts) }()
	for {
		select {
		case words := <-starts:
			if err := family.start(words); err != nil {
				return err
			}
		case err := <-ready:
			if err != nil {
				return err
			}
			fmt.Println(plane.path("kubeconfig"))
			// Nobody reads any more, perhaps; and nobody must wait for the end of it.
			os.Stdout.Close()
		case err := <-family.failed:
			return err
		case <-signals:
			return nil
		case <-parent:
			return nil
		}
	}
}

// occupy makes the folder, and sees to it that only one cluster is in it.
func occupy(dir string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Join(dir, "logs"), 0o755); err != nil {
		return nil, err
	}
	hold, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if syscall.Flock(int(hold.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		return nil, fmt.Errorf("a cluster runs in `%s`: end it with `tests/cluster/down --dir %s`, or take another folder", dir, dir)
	}
	// What a killed one left is of no use without its keys.
	for _, left := range []string{"etcd", "apiserver", "kubeconfig", "audit.log"} {
		if err := os.RemoveAll(filepath.Join(dir, left)); err != nil {
			return nil, err
		}
	}
	if err := hold.Truncate(0); err != nil {
		return nil, err
	}
	_, err = hold.WriteString(strconv.Itoa(os.Getpid()))
	return hold, err
}

// family is the processes of a cluster.
type family struct {
	dir      string
	children []*exec.Cmd
	failed   chan error
	ending   bool
}

func (f *family) start(words []string) error {
	name := words[1]
	log, err := os.Create(filepath.Join(f.dir, "logs", name+".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	path := words[0]
	arguments := words[1:]
	if name == "kwok" {
		// It is a command of its own, not one of several in a file.
		arguments = words[2:]
	}
	child := exec.Command(path, arguments...)
	child.Stdout, child.Stderr = log, log
	child.Dir = f.dir
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := child.Start(); err != nil {
		return fmt.Errorf("%s cannot be started: %w", name, err)
	}
	f.children = append(f.children, child)
	go func() {
		err := child.Wait()
		f.failed <- fmt.Errorf("%s has ended (%v); the end of its log, `%s`:\n%s", name, err, log.Name(), tail(log.Name()))
	}()
	return nil
}

// end kills all: nothing that they have is wanted any more.
func (f *family) end() {
	for _, child := range f.children {
		child.Process.Kill()
	}
	limit := time.After(10 * time.Second)
	for range f.children {
		select {
		case <-f.failed:
		case <-limit:
			return
		}
	}
}

// tail is the last lines of a log.
func tail(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}

// prepare writes what the components read.
func (p *plane) prepare() error {
	if _, off := p.switches.delay("admission"); off {
		if err := p.network.mayServe(); err != nil {
			return err
		}
	}
	if err := writeServiceAccountKey(p.path("service-account.key")); err != nil {
		return err
	}
	tokens, err := writeTokens(p.path("tokens.csv"), p.options.tokens)
	p.tokens = tokens
	return err
}

// boot brings up one component after the other, then nodes and stand-ins.
func (p *plane) boot(ctx context.Context, starts chan<- []string) error {
	etcd, clients, err := p.etcdCommand()
	if err != nil {
		return err
	}
	starts <- etcd
	server, err := p.apiserverCommand(clients)
	if err != nil {
		return err
	}
	starts <- server
	limit := time.Now().Add(bootLimit)
	// The server makes its own certificate, and serves it before it is ready.
	for {
		p.bundle, err = os.ReadFile(p.path("apiserver", "apiserver.crt"))
		if err == nil && bytes.Contains(p.bundle, []byte("-----END CERTIFICATE-----")) {
			break
		}
		if time.Now().After(limit) {
			return fmt.Errorf("kube-apiserver wrote no certificate within %s: see `%s`", bootLimit, p.path("logs"))
		}
		time.Sleep(20 * time.Millisecond)
	}
	client, err := newClient(p.server, p.bundle, p.tokens["stand-ins"])
	if err != nil {
		return err
	}
	for {
		if err = client.ready(ctx); err == nil {
			break
		}
		if time.Now().After(limit) {
			return fmt.Errorf("kube-apiserver is not ready after %s: %w; see `%s`", bootLimit, err, p.path("logs"))
		}
		time.Sleep(50 * time.Millisecond)
	}
	commands, err := p.clientCommands()
	if err != nil {
		return err
	}
	for _, command := range commands {
		starts <- command
	}
	if err := furnish(ctx, client, p.options); err != nil {
		return err
	}
	if !p.switches.allOff {
		if err := startStandIns(ctx, client, p); err != nil {
			return err
		}
	}
	return writeKubeconfig(p.path("kubeconfig"), p.server, p.bundle, p.tokens["admin"])
}

// detach boots a cluster in a process of its own, and comes back when it is ready.
func detach(o *options, words []string) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	arguments := append([]string{"up", "--parent", strconv.Itoa(o.parent)}, words...)
	child := exec.Command(program, append(arguments, "--foreground", "--dir", o.dir)...)
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	log, err := os.CreateTemp("", "kfplan-cluster-*.log")
	if err != nil {
		return err
	}
	defer os.Remove(log.Name())
	defer log.Close()
	child.Stderr = log
	out, err := child.StdoutPipe()
	if err != nil {
		return err
	}
	if err := child.Start(); err != nil {
		return err
	}
	var said bytes.Buffer
	if _, err := said.ReadFrom(out); err != nil {
		return err
	}
	if said.Len() == 0 {
		// It ended without a word on stdout; what it said on stderr is why.
		child.Wait()
		return errors.New(strings.TrimPrefix(tail(log.Name()), "cluster: "))
	}
	fmt.Print(said.String())
	return child.Process.Release()
}
