//! Plays a recorded scenario against the world: the same requests in the same order, with the world's own URLs
//! where the recording has those of its day.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kfplan_sim::{Arm, ArmSettings, Options, Request, Response, World};
use serde_json::Value;

/// Longest that a poll waits for what the recording says, in milliseconds of the world.
const PATIENCE: u64 = 20 * 60_000;
/// Time between polls.
const POLL: u64 = 5_000;

/// One recorded exchange.
pub(crate) struct Exchange {
    pub(crate) file: String,
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) request_headers: Vec<(String, String)>,
    pub(crate) request_body: Value,
    pub(crate) status: u16,
    pub(crate) response_headers: BTreeMap<String, String>,
    pub(crate) response_body: Value,
}

/// What the world answered to one.
pub(crate) struct Played {
    pub(crate) recorded: Exchange,
    pub(crate) answered: Response,
}

/// The folder with the recordings; nothing, said loudly, where it cannot be had.
pub(crate) fn folder() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared = std::env::var_os("KFPLAN_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    let folder = shared.join("azure/recordings");
    if folder.is_dir() {
        return Some(folder);
    }
    let ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(!ci, "no recordings at {}: set KFPLAN_SHARED", folder.display());
    note(&format!("SKIPPED: no recordings at {}: set KFPLAN_SHARED", folder.display()));
    None
}

/// Says something that a person should see.
#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
pub(crate) fn note(text: &str) {
    eprintln!("{text}");
}

/// Reads the exchanges of a scenario, in order.
pub(crate) fn read(folder: &Path, scenario: &str) -> Vec<Exchange> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder.join(scenario))
        .unwrap_or_else(|error| panic!("scenario {scenario}: {error}"))
        .map(|entry| entry.expect("the folder can be read").path())
        .collect();
    files.sort();
    files.iter().map(|file| exchange(file)).collect()
}

fn exchange(file: &Path) -> Exchange {
    let text = std::fs::read_to_string(file).expect("a recording can be read");
    let value: Value = serde_json::from_str(&text).expect("a recording is JSON");
    let word = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let headers = |key: &str| -> Vec<(String, String)> {
        let map = value.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
        map.into_iter().map(|(name, value)| (name, value.as_str().unwrap_or_default().to_owned())).collect()
    };
    Exchange {
        file: file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        method: word("method"),
        url: word("url"),
        request_headers: headers("request_headers"),
        request_body: value.get("request_body").cloned().unwrap_or_default(),
        status: value.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok()).unwrap_or(0),
        response_headers: headers("response_headers").into_iter().collect(),
        response_body: value.get("response_body").cloned().unwrap_or_default(),
    }
}

/// A world at a moment, with what the client has learnt.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) now: u64,
    /// URLs of the recording, and what they are in this world.
    urls: BTreeMap<String, String>,
    next_link: Option<String>,
}

impl Stage {
    /// An empty Azure at a moment (seconds since 1970).
    pub(crate) fn at(seconds: u64) -> Stage {
        let arm = Arm::new(ArmSettings { tokens_required: false, ..ArmSettings::default() });
        let options = Options { authenticate: false, ..Options::default() };
        let world = World::new(options).with_front(Box::new(arm));
        Stage { world, now: seconds * 1_000, urls: BTreeMap::new(), next_link: None }
    }

    /// Asks, a second later than before.
    pub(crate) fn ask(&mut self, request: &Request) -> Response {
        self.now += 1_000;
        self.world.handle(self.now, request)
    }

    /// Puts what the recording found there, and waits until it is done.
    pub(crate) fn given(&mut self, url: &str, body: &Value) {
        let answer = self.ask(&Request::new("PUT", url).with_json(body));
        assert!(matches!(answer.status, 200..=202), "{url}: {} {}", answer.status, answer.value());
        self.now += PATIENCE;
        self.world.advance(self.now);
    }

    /// Plays one exchange. A GET is asked again while the world is not yet where the recording was.
    pub(crate) fn play(&mut self, recorded: Exchange) -> Played {
        let request = self.request(&recorded);
        let wanted = course(recorded.status, &recorded.response_body);
        let mut answered = self.ask(&request);
        let until = self.now + PATIENCE;
        while recorded.method == "GET" && course(answered.status, &answered.value()) != wanted && self.now < until {
            let (status, word, state) = course(answered.status, &answered.value());
            let words = ["InProgress", "Creating", "Updating", "Deleting"];
            let under_way = word.or(state).map_or(status == 202, |word| words.contains(&word.as_str()));
            assert!(under_way, "{}: {status} {} on the way", recorded.file, answered.value());
            self.now += POLL;
            answered = self.ask(&request);
        }
        for (name, value) in &recorded.response_headers {
            if let Some(own) = answered.header(name).filter(|_| value.starts_with("https://")) {
                self.urls.insert(value.clone(), own.to_owned());
                // The recorder leaves out the port that DNS writes into one of its URLs.
                self.urls.insert(value.replace(":443/", "/"), own.to_owned());
            }
        }
        self.next_link = answered.value().get("nextLink").and_then(Value::as_str).map(str::to_owned);
        Played { recorded, answered }
    }

    fn request(&self, recorded: &Exchange) -> Request {
        let url = match (self.urls.get(&recorded.url), &self.next_link) {
            (Some(own), _) => own.clone(),
            (None, Some(link)) if recorded.url.contains("skipToken") => {
                assert_eq!(link.replace("%24", "$"), recorded.url, "{}: the link to the next page", recorded.file);
                link.clone()
            }
            _ => recorded.url.clone(),
        };
        let mut request = Request::new(&recorded.method, &url);
        for (name, value) in &recorded.request_headers {
            request = request.with(name, value);
        }
        if !recorded.request_body.is_null() {
            request.body = recorded.request_body.to_string().into_bytes();
        }
        request
    }
}

/// Where a thing stands on its way: the status, and what the body says of it.
fn course(status: u16, body: &Value) -> (u16, Option<String>, Option<String>) {
    let word = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    (status, word("/status"), word("/properties/provisioningState"))
}
