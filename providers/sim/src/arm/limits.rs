//! How often a subscription may ask: token buckets, told in headers, and 429 when one is empty.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::wire::Refusal;
use crate::wire::Response;

/// What a request counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Count {
    Reads,
    Writes,
    Deletes,
    /// Requests to a provider with a count of its own (DNS): reading.
    ResourceReads,
    /// The same: writing.
    ResourceWrites,
}

impl Count {
    /// A POST changes nothing for sure, and counts as a write all the same.
    pub(crate) fn of(method: &str) -> Count {
        match method {
            "GET" | "HEAD" => Count::Reads,
            "DELETE" => Count::Deletes,
            _ => Count::Writes,
        }
    }

    /// Calls that a full bucket holds, and calls that come back in a second.
    fn size(self) -> (u64, u64) {
        match self {
            Count::Reads => (1_100, 110),
            Count::Writes | Count::Deletes => (800, 80),
            Count::ResourceReads => (500, 50),
            Count::ResourceWrites => (12_000, 200),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Count::Reads => "reads",
            Count::Writes => "writes",
            Count::Deletes => "deletes",
            Count::ResourceReads | Count::ResourceWrites => "resource-requests",
        }
    }
}

/// All buckets, by subscription.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Limits {
    buckets: BTreeMap<String, Bucket>,
}

/// Thousandths of a call.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Bucket {
    level: u64,
    at: u64,
}

impl Limits {
    /// Takes one call out of a bucket; gives what is left in it.
    pub(crate) fn take(&mut self, subscription: &str, count: Count, now: u64) -> Result<u64, Refusal> {
        let (size, rate) = count.size();
        let key = format!("{subscription}/{count:?}");
        let bucket = self.buckets.entry(key).or_insert(Bucket { level: size * 1_000, at: now });
        let came_back = now.saturating_sub(bucket.at).saturating_mul(rate);
        bucket.level = bucket.level.saturating_add(came_back).min(size * 1_000);
        bucket.at = bucket.at.max(now);
        if bucket.level < 1_000 {
            return Err(throttled(subscription, count.word(), 1));
        }
        bucket.level -= 1_000;
        Ok(bucket.level / 1_000)
    }
}

/// ARM's refusal of one call too many.
pub(crate) fn throttled(subscription: &str, word: &str, seconds: u32) -> Refusal {
    let message = format!(
        "Number of '{word}' requests for subscription '{subscription}' exceeded the limit. \
         Please try again after '{seconds}' seconds."
    );
    Refusal::arm(429, "SubscriptionRequestsThrottled", message).with("retry-after", seconds.to_string())
}

/// Says in headers what is left.
pub(crate) fn tell(response: Response, count: Count, left: u64) -> Response {
    let name = |scope: &str| format!("x-ms-ratelimit-remaining-subscription-{scope}{}", count.word());
    match count {
        Count::ResourceReads | Count::ResourceWrites => response.with(&name(""), left.to_string()),
        Count::Reads | Count::Writes | Count::Deletes => {
            let (size, _) = count.size();
            let global = size * 15 - (size - left.min(size));
            response.with(&name(""), left.to_string()).with(&name("global-"), global.to_string())
        }
    }
}
