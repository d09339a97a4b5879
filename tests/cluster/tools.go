//go:build tools

// Package cluster pins the Kubernetes programs that the test node is built from; it is never compiled itself.
package cluster

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kubectl"
	_ "k8s.io/kubernetes/cmd/kubelet"
)
