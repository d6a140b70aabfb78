//! What holds on a real Kubernetes: the control planes that `tests/cluster` boots, their stand-ins, and kfplan on them.

mod answers;
mod audit;
mod boot;
mod issued;
mod kubeflow;
mod machines;
mod objects;
mod stack;
