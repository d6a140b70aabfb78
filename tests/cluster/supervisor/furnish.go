package main

import (
	"context"
	"fmt"
)

// furnish makes what a new AKS cluster has and a bare control plane has not: nodes, and a default storage class.
func furnish(ctx context.Context, client *client, o *options) error {
	for number := range o.nodes {
		gpu := number >= o.nodes-o.gpuNodes
		if err := client.create(ctx, "/api/v1/nodes", "kubelet", node(number, gpu)); err != nil {
			return err
		}
	}
	return client.create(ctx, "/apis/storage.k8s.io/v1/storageclasses", "kubectl-client-side-apply", object{
		"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
		"metadata": object{
			"name":        "default",
			"annotations": object{"storageclass.kubernetes.io/is-default-class": "true"},
		},
		"provisioner": "disk.csi.azure.com", "parameters": object{"skuname": "StandardSSD_LRS"},
		"reclaimPolicy": "Delete", "volumeBindingMode": "WaitForFirstConsumer", "allowVolumeExpansion": true,
	})
}

// node is a node that kwok plays. A GPU node has no `nvidia.com/gpu` until the device plugin runs on it.
func node(number int, gpu bool) object {
	pool, mode := "system", "system"
	if gpu {
		pool, mode = "gpu", "user"
	}
	name := fmt.Sprintf("aks-%s-10000000-vmss%06d", pool, number)
	labels := object{
		"agentpool": pool, "kubernetes.azure.com/agentpool": pool, "kubernetes.azure.com/mode": mode,
		"kubernetes.azure.com/cluster": "test", "kubernetes.azure.com/role": "agent",
		"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", "type": "kwok",
	}
	spec := object{}
	if gpu {
		labels["kubernetes.azure.com/accelerator"] = "nvidia"
		labels["accelerator"] = "nvidia"
		spec["taints"] = []any{object{"key": "sku", "value": "gpu", "effect": "NoSchedule"}}
	}
	room := object{"cpu": "64", "memory": "256Gi", "ephemeral-storage": "512Gi", "pods": "250"}
	return object{
		"apiVersion": "v1", "kind": "Node",
		"metadata": object{"name": name, "labels": labels, "annotations": object{"kwok.x-k8s.io/node": "fake"}},
		"spec":     spec,
		"status":   object{"allocatable": room, "capacity": room},
	}
}
