//! The world: both faces, the faults between them and the client, and what changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::arm::AzureFault;
use crate::faults::{Fault, Faults};
use crate::fleet::Fleet;
use crate::kube::{Controllers, Kube};
use crate::tables::{Delta, Table};
use crate::wire::{Face, Request, Response, WatchTicket};

/// How a world behaves. Given at each start, never stored.
#[derive(Debug, Clone)]
pub struct Options {
    /// What everything made up is drawn from.
    pub seed: u64,
    /// How many times faster than in reality things get done: a cluster takes 5 minutes divided by this.
    /// Times in objects stay those of the caller's clock.
    pub speed: u64,
    /// Which controllers run in the clusters, and how slowly.
    pub controllers: Controllers,
    /// What goes wrong.
    pub faults: Faults,
    /// Whether requests must carry valid credentials.
    pub authenticate: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { seed: 1, speed: 150, controllers: Controllers::default(), faults: Faults::none(), authenticate: true }
    }
}

/// The face that speaks for Azure.
///
/// Its state is rows of JSON that [`Front::rows`] gives whole and [`Front::load`] takes back;
/// the world finds out what changed.
pub trait Front: Send {
    /// Answers a request; `fault` is what befalls it on the way.
    fn handle(&mut self, now: u64, request: &Request, fault: Option<&AzureFault>, fleet: &mut dyn Fleet) -> Response;
    /// Does what is due until `now`.
    fn advance(&mut self, now: u64, fleet: &mut dyn Fleet);
    /// When something is due next.
    fn next_wake(&self) -> Option<u64>;
    /// Whom a token names that is meant for the API servers of clusters.
    fn subject(&self, now: u64, token: &str) -> Option<String>;
    /// Another number after each change of the state.
    fn revision(&self) -> u64;
    /// The whole state.
    fn rows(&self) -> Vec<(String, Value)>;
    /// Begins from a state that was given out before.
    fn load(&mut self, rows: &BTreeMap<String, Arc<Value>>);
}

/// One simulated cloud.
pub struct World {
    options: Options,
    front: Option<Box<dyn Front>>,
    front_rows: Table,
    /// The revision of the front that its rows are of.
    front_revision: Option<u64>,
    kube: Kube,
    clock: Table,
    now: u64,
}

/// Whom the bearer token of a request to a cluster names, if the token service gave it.
fn subject(now: u64, request: &Request, front: &dyn Front) -> Option<String> {
    let (scheme, token) = request.header("authorization")?.split_once(' ')?;
    let signed = scheme.eq_ignore_ascii_case("bearer") && token.matches('.').count() == 2;
    signed.then(|| front.subject(now, token)).flatten()
}

/// The table of the Azure face.
const AZURE: &str = "azure";
/// The table of the world's own clock.
const CLOCK: &str = "clock";
/// How often the clock is stored though nothing else happens, in milliseconds.
const CLOCK_GRAIN: u64 = 1_000;

impl World {
    /// A world in which nothing has happened yet.
    #[must_use]
    pub fn new(options: Options) -> World {
        let kube = Kube::new(&options);
        World {
            options,
            front: None,
            front_rows: Table::default(),
            front_revision: None,
            kube,
            clock: Table::default(),
            now: 0,
        }
    }

    /// The same world with somebody to speak for Azure.
    #[must_use]
    pub fn with_front(mut self, front: Box<dyn Front>) -> World {
        self.front = Some(front);
        self
    }

    /// Makes the world what the deltas say, oldest first. Only for one in which nothing has happened.
    pub fn replay(&mut self, deltas: impl IntoIterator<Item = Delta>) {
        for Delta(table, key, value) in deltas {
            match table.as_str() {
                AZURE => self.front_rows.load(key, value),
                CLOCK => self.clock.load(key, value),
                _ => self.kube.load(&table, key, value),
            }
        }
        self.now = self.clock.get("now").and_then(|value| value.as_u64()).unwrap_or(0);
        let rows = self.front_rows.iter().map(|(key, value)| (key.to_owned(), value.clone())).collect();
        if let Some(front) = &mut self.front {
            front.load(&rows);
        }
        self.kube.loaded();
    }

    /// How the world behaves.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Changes what goes wrong from now on.
    pub fn set_faults(&mut self, faults: Faults) {
        self.options.faults = faults;
    }

    /// The world's time: it never goes back, whatever the caller's clock does.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.now
    }

    fn tick(&mut self, now: u64) -> u64 {
        self.now = self.now.max(now);
        self.now
    }

    /// Answers a request at a time (milliseconds since 1970). Everything due before happens before.
    pub fn handle(&mut self, now: u64, request: &Request) -> Response {
        self.advance(now);
        let now = self.now;
        let fault = self.options.faults.befall(request);
        if let Some(refusal) = fault.as_ref().and_then(|fault| fault.refusal(request)) {
            return refusal;
        }
        let azure = match &fault {
            Some(Fault::Azure(azure)) => Some(azure),
            _ => None,
        };
        let mut answer = match (&request.face, &mut self.front) {
            (Face::Cluster(cluster), Some(front)) => match subject(now, request, front.as_ref()) {
                Some(named) => self.kube.handle(now, cluster, &Request { subject: Some(named), ..request.clone() }),
                None => self.kube.handle(now, cluster, request),
            },
            (Face::Cluster(cluster), None) => self.kube.handle(now, cluster, request),
            (Face::Azure, Some(front)) => front.handle(now, request, azure, &mut self.kube),
            (Face::Azure, None) => Response::json(
                404,
                &serde_json::json!({"error": {"code": "NotFound", "message": "This world has no Azure."}}),
            ),
        };
        answer.mishap = fault.and_then(|fault| fault.mishap());
        answer
    }

    /// Lets everything happen that is due until `now`.
    pub fn advance(&mut self, now: u64) {
        let now = self.tick(now);
        if let Some(front) = &mut self.front {
            front.advance(now, &mut self.kube);
        }
        self.kube.advance(now);
    }

    /// When something happens next by itself.
    #[must_use]
    pub fn next_wake(&self) -> Option<u64> {
        let front = self.front.as_ref().and_then(|front| front.next_wake());
        [front, self.kube.next_wake()].into_iter().flatten().min()
    }

    /// What a watch has to say since it was last asked, as the bytes to send; none when it has ended.
    pub fn watch(&mut self, now: u64, ticket: &mut WatchTicket) -> Option<Vec<u8>> {
        self.advance(now);
        self.kube.watch(self.now, &ticket.cluster, &mut ticket.cursor)
    }

    /// What was noted beside the world, such as the port it was served on.
    #[must_use]
    pub fn note(&self, key: &str) -> Option<Arc<Value>> {
        self.clock.get(&format!("note/{key}")).cloned()
    }

    /// Notes something beside the world.
    pub fn set_note(&mut self, key: &str, value: Value) {
        self.clock.put(&format!("note/{key}"), Arc::new(value));
    }

    /// What changed since last asked, as one batch.
    pub fn take_deltas(&mut self) -> Vec<Delta> {
        if let Some(front) = self.front.as_ref().filter(|front| self.front_revision != Some(front.revision())) {
            self.front_rows.replace(front.rows());
            self.front_revision = Some(front.revision());
        }
        let mut out = Vec::new();
        self.front_rows.take_deltas(AZURE, &mut out);
        self.kube.take_deltas(&mut out);
        let stored = self.clock.get("now").and_then(|value| value.as_u64()).unwrap_or(0);
        self.clock.take_deltas(CLOCK, &mut out);
        if !out.is_empty() || self.now.saturating_sub(stored) > CLOCK_GRAIN {
            self.clock.put("now", Arc::new(Value::from(self.now)));
            self.clock.take_deltas(CLOCK, &mut out);
        }
        out
    }

    /// The whole world as one batch, from which [`World::replay`] makes an equal one.
    #[must_use]
    pub fn snapshot(&self) -> Vec<Delta> {
        let mut out = Vec::new();
        self.front_rows.all(AZURE, &mut out);
        self.kube.all(&mut out);
        self.clock.all(CLOCK, &mut out);
        out
    }

    /// The clusters' side, for what only the owner of the world may do.
    #[must_use]
    pub fn kube(&self) -> &Kube {
        &self.kube
    }

    /// The clusters' side, to change.
    pub fn kube_mut(&mut self) -> &mut Kube {
        &mut self.kube
    }
}
