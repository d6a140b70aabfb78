package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// options is what the caller wants of a cluster.
type options struct {
	version    string
	dir        string
	nodes      int
	gpuNodes   int
	kube       string
	etcd       string
	kwok       string
	tokens     string
	audit      bool
	foreground bool
	parent     int
	enforcer   string
	switches   switches
}

// setting is one `--stand-in NAME=off|DELAY`; flag.Value, so that it may be given several times.
type setting struct{ switches *switches }

func (s setting) String() string { return "" }

func (s setting) Set(text string) error {
	name, value, found := strings.Cut(text, "=")
	if !found {
		return fmt.Errorf("write NAME=off or NAME=DELAY, such as certificates=20s")
	}
	return s.switches.set(name, value)
}

func parse(words []string) (*options, error) {
	o := &options{switches: newSwitches()}
	flags := flag.NewFlagSet("up", flag.ContinueOnError)
	flags.StringVar(&o.version, "version", "1.34", "the Kubernetes version: 1.34 or 1.21")
	flags.StringVar(&o.dir, "dir", "", "the folder for kubeconfig, logs and data; default: a new one in the system's temporary folder")
	flags.IntVar(&o.nodes, "nodes", 3, "how many nodes there are, those with GPUs included")
	flags.IntVar(&o.gpuNodes, "gpu-nodes", 1, "how many of the nodes are GPU nodes, labelled and tainted as AKS does")
	flags.StringVar(&o.kube, "kube", "", "the binary with the control plane (the script sets it)")
	flags.StringVar(&o.etcd, "etcd", "", "the binary with etcd (the script sets it)")
	flags.StringVar(&o.kwok, "kwok", "", "the kwok binary (the script sets it)")
	flags.StringVar(&o.tokens, "tokens", "", "a file with more tokens, a line each: TOKEN,USER,UID[,\"GROUP,GROUP\"]")
	flags.BoolVar(&o.audit, "audit", false, "write DIR/audit.log: JSON, with the request objects of writes")
	flags.BoolVar(&o.foreground, "foreground", false, "stay; the cluster ends with this process")
	flags.IntVar(&o.parent, "parent", os.Getppid(), "the process whose end ends the cluster; 0: none")
	flags.StringVar(&o.enforcer, "enforcer", "", "the form of AKS's admissions enforcer: current or historic; default: that of the version's time")
	delay := flags.Duration("stand-in-delay", 2*time.Second, "how long a stand-in waits after it could act")
	all := flags.String("stand-ins", "on", "on, off, or a JSON file such as {\"delay\": \"5s\", \"certificates\": \"off\", \"admission\": \"20s\"}")
	flags.Var(setting{&o.switches}, "stand-in", "NAME=off or NAME=DELAY, several times; names: "+strings.Join(standInNames, ", "))
	if err := flags.Parse(words); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("`%s` is no flag of up; --help lists them", flags.Arg(0))
	}
	o.switches.fallback = *delay
	return o, o.check(*all)
}

// check completes the options, or says what is wrong with them.
func (o *options) check(all string) error {
	switch o.version {
	case "1.34", "1.21":
	default:
		return fmt.Errorf("there is no control plane of version `%s`: say 1.34 or 1.21", o.version)
	}
	if o.enforcer == "" {
		o.enforcer = "current"
		if o.version == "1.21" {
			o.enforcer = "historic"
		}
	}
	if o.enforcer != "current" && o.enforcer != "historic" {
		return fmt.Errorf("--enforcer is current or historic; to switch it off, say --stand-in enforcer=off")
	}
	if o.nodes < 0 || o.gpuNodes < 0 {
		return fmt.Errorf("there cannot be fewer than 0 nodes")
	}
	switch all {
	case "on":
	case "off":
		o.switches.allOff = true
	default:
		if err := o.switches.read(all); err != nil {
			return err
		}
	}
	if o.dir == "" {
		dir, err := os.MkdirTemp("", "kfplan-cluster-")
		if err != nil {
			return err
		}
		o.dir = dir
	}
	dir, err := filepath.Abs(o.dir)
	o.dir = dir
	return err
}

// read takes the switches from a JSON file. What was given as a flag stays.
func (s *switches) read(file string) error {
	bytes, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("--stand-ins takes on, off or a JSON file: %w", err)
	}
	var stated map[string]string
	if err := json.Unmarshal(bytes, &stated); err != nil {
		return fmt.Errorf("`%s` is no JSON object of names and texts: %w", file, err)
	}
	for name, value := range stated {
		if name == "delay" {
			delay, err := time.ParseDuration(value)
			if err != nil {
				return fmt.Errorf("`delay` of `%s`: %w", file, err)
			}
			s.fallback = delay
			continue
		}
		if _, given := s.stated[name]; given {
			continue
		}
		if err := s.set(name, value); err != nil {
			return fmt.Errorf("`%s`: %w", file, err)
		}
	}
	return nil
}
