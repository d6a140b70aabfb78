package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

const (
	provisioner = "disk.csi.azure.com"
	cleanup     = "service.kubernetes.io/load-balancer-cleanup"
	cloud       = "cloud-controller-manager"
)

// bindClaims makes the volume that a claim asks for; the claim is then bound by the controller that is there for it.
func (s *standIns) bindClaims(ctx context.Context) error {
	for _, claim := range s.all("claims") {
		class := s.one("classes", claim.text("spec", "storageClassName"))
		waits := class.text("volumeBindingMode") == "WaitForFirstConsumer" && claim.annotation("volume.kubernetes.io/selected-node") == ""
		name := "pvc-" + claim.uid()
		if claim.text("status", "phase") == "Bound" || claim.text("spec", "volumeName") != "" || claim.goes() || waits ||
			s.one("volumes", name) != nil || !s.due("volumes", claim.key()) {
			continue
		}
		s.note("makes volume %s for %s", name, claim.key())
		err := s.client.create(ctx, "/api/v1/persistentvolumes", "csi-provisioner", object{
			"apiVersion": "v1", "kind": "PersistentVolume",
			"metadata": object{"name": name, "annotations": object{"pv.kubernetes.io/provisioned-by": provisioner}},
			"spec": object{
				"capacity":    object{"storage": claim.text("spec", "resources", "requests", "storage")},
				"accessModes": claim.at("spec", "accessModes"), "volumeMode": "Filesystem",
				"storageClassName": claim.text("spec", "storageClassName"), "persistentVolumeReclaimPolicy": "Delete",
				"csi": object{"driver": provisioner, "volumeHandle": "/subscriptions/0/disks/" + name},
				"claimRef": object{
					"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": claim.namespace(), "name": claim.name(), "uid": claim.uid(),
				},
			},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// freeVolumes deletes volumes whose claim is gone.
func (s *standIns) freeVolumes(ctx context.Context) error {
	for _, volume := range s.all("volumes") {
		phase := volume.text("status", "phase")
		if volume.annotation("pv.kubernetes.io/provisioned-by") != provisioner || phase != "Released" && phase != "Failed" || volume.goes() ||
			!s.due("volumes", volume.key()+" free") {
			continue
		}
		if err := s.client.remove(ctx, s.path("volumes", volume)); err != nil {
			return err
		}
	}
	return nil
}

// giveAddresses does what AKS does for Services of type LoadBalancer: a finalizer, then an address.
func (s *standIns) giveAddresses(ctx context.Context) error {
	for _, service := range s.all("services") {
		wanted := service.text("spec", "type") == "LoadBalancer" && !service.goes()
		held := slices.Index(service.texts("metadata", "finalizers"), cleanup)
		has := len(service.objects("status", "loadBalancer", "ingress")) > 0
		if wanted == (held >= 0) && wanted == has || !wanted && held < 0 || !s.due("load-balancers", service.key()+fmt.Sprint(wanted)) {
			continue
		}
		path := s.path("services", service)
		if !wanted {
			if has && !service.goes() {
				if err := s.client.merge(ctx, path+"/status", cloud, object{"status": object{"loadBalancer": nil}}); err != nil {
					return err
				}
			}
			if err := s.write(ctx, "services", service, cloud, []operation{{Op: "remove", Path: fmt.Sprintf("/metadata/finalizers/%d", held)}}, nil); err != nil {
				return err
			}
			continue
		}
		if held < 0 {
			others := append(service.texts("metadata", "finalizers"), cleanup)
			if err := s.write(ctx, "services", service, cloud, []operation{{"add", "/metadata/finalizers", others}}, nil); err != nil {
				return err
			}
			continue
		}
		status := object{"loadBalancer": object{"ingress": []any{object{"ip": s.address(service)}}}}
		if err := s.status(ctx, "services", service, cloud, status); err != nil {
			return err
		}
	}
	return nil
}

// address is an address that documentation is free to use, or one of the virtual network for an internal load balancer.
func (s *standIns) address(service object) string {
	used := 1
	for _, one := range s.all("services") {
		used += len(one.objects("status", "loadBalancer", "ingress"))
	}
	if service.annotation("service.beta.kubernetes.io/azure-load-balancer-internal") == "true" {
		return fmt.Sprintf("10.224.0.%d", used)
	}
	return fmt.Sprintf("198.51.100.%d", used)
}

// offerGPUs makes `nvidia.com/gpu` allocatable on GPU nodes where the device plugin runs, and none where it went.
func (s *standIns) offerGPUs(ctx context.Context) error {
	runs := map[string]bool{}
	for _, pod := range s.all("pods") {
		for _, container := range pod.objects("spec", "containers") {
			if strings.Contains(container.text("image"), "k8s-device-plugin") && pod.condition("Ready") == "True" && !pod.goes() {
				runs[pod.text("spec", "nodeName")] = true
			}
		}
	}
	for _, node := range s.all("nodes") {
		if node.text("metadata", "labels", "kubernetes.azure.com/accelerator") != "nvidia" {
			continue
		}
		present, wanted := node.text("status", "allocatable", "nvidia.com/gpu"), "0"
		if runs[node.name()] {
			wanted = "1"
		}
		if present == wanted || present == "" && wanted == "0" || !s.due("gpu", node.name()+wanted) {
			continue
		}
		room := object{"nvidia.com/gpu": wanted}
		if err := s.status(ctx, "nodes", node, "kubelet", object{"capacity": room, "allocatable": room}); err != nil {
			return err
		}
	}
	return nil
}
