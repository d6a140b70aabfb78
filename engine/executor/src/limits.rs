//! How much at once, and how long between two tries.

use kfplan_plan::Endpoint;

/// How much runs at once, and how long is waited between tries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Changes under way at once, over all services: `--parallelism`. Gates do not count.
    pub parallelism: usize,
    /// Calls in flight to Azure Resource Manager.
    pub arm: usize,
    /// Calls in flight to each cluster.
    pub cluster: usize,
    /// The first and the longest time between two looks at a gate, in milliseconds.
    pub poll: (u64, u64),
    /// The first and the longest time before another try, in milliseconds.
    pub backoff: (u64, u64),
    /// How long calls in flight may still answer after an interrupt, in milliseconds.
    pub grace: u64,
    /// What jitter is drawn from: equal seeds give equal runs.
    pub seed: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { parallelism: 64, arm: 8, cluster: 32, poll: (200, 5_000), backoff: (500, 30_000), grace: 2_000, seed: 0 }
    }
}

impl Limits {
    /// How many calls a service may have in flight.
    pub(crate) fn of(&self, endpoint: &Endpoint) -> usize {
        match endpoint {
            Endpoint::Arm => self.arm,
            Endpoint::Cluster(_) => self.cluster,
        }
        .max(1)
    }

    /// How long to wait before looking at a gate again, after so many looks.
    pub(crate) fn poll_after(&self, looks: u32) -> u64 {
        let (first, last) = self.poll;
        // Half as long again each time.
        (0..looks.min(32)).fold(first, |wait, _| (wait + wait / 2 + 1).min(last)).min(last)
    }

    /// How long to wait before the `attempt`th try, the second being the first that waits. Between
    /// half and all of a time that doubles, so that many steps that failed together do not return together.
    pub(crate) fn retry_after(&self, step: usize, attempt: u32) -> u64 {
        let (first, last) = self.backoff;
        let wait = first.saturating_mul(1 << attempt.saturating_sub(1).min(20)).min(last);
        let drawn = mix(self.seed ^ mix(step as u64) ^ u64::from(attempt).rotate_left(32));
        wait / 2 + drawn % (wait / 2 + 1)
    }
}

/// A number that says nothing about the one it was made from (the finalizer of splitmix64).
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
