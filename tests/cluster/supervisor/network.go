package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// network is a part of 127.0.0.0/8 that belongs to one cluster: Services get addresses of its lower half, and the components
// listen at one address of its upper half. So clusters that run at once cannot meet, and every ClusterIP is an address where a
// stand-in can listen.
type network struct {
	second int
	claim  *os.File
}

// claimNetwork takes the first one that nobody holds. The claim is a file lock: it ends with the process, however that ends.
func claimNetwork() (*network, error) {
	folder := filepath.Join(os.TempDir(), "kfplan-cluster-networks")
	if err := os.MkdirAll(folder, 0o1777); err != nil {
		return nil, err
	}
	for second := 64; second < 250; second++ {
		file, err := os.OpenFile(filepath.Join(folder, strconv.Itoa(second)), os.O_CREATE|os.O_RDWR, 0o666)
		if err != nil {
			return nil, err
		}
		if syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			return &network{second: second, claim: file}, nil
		}
		file.Close()
	}
	return nil, fmt.Errorf("all networks 127.64.0.0/16 to 127.249.0.0/16 are held by clusters that run: end some with `tests/cluster/down`")
}

func (n *network) services() string { return fmt.Sprintf("127.%d.0.0/17", n.second) }

func (n *network) host() string { return fmt.Sprintf("127.%d.200.1", n.second) }

// freePort gives a port that is free at the host's address. Nothing else listens there, so it stays free.
func (n *network) freePort() (int, error) {
	listener, err := net.Listen("tcp", n.host()+":0")
	if err != nil {
		return 0, fmt.Errorf("%s is no address of this machine (Linux has all of 127.0.0.0/8): %w", n.host(), err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// mayServe says whether stand-ins can listen where webhooks are called: at port 443.
func (n *network) mayServe() error {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.%d.200.2:443", n.second))
	if err != nil {
		return fmt.Errorf("stand-ins listen at port 443, which is not allowed here: run as root, or `sysctl net.ipv4.ip_unprivileged_port_start=0`, or say --stand-ins off: %w", err)
	}
	return listener.Close()
}
