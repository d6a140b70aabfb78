//! What goes over the wire, seen by a server that notes all of it and answers as it was told.

use std::collections::VecDeque;
use std::sync::Mutex;

use kfplan_contract::{Call, Progress, Provider};
use kfplan_identity::{Cloud, SignIn};
use kfplan_plan::{Action, ArmLocator, Desired, Locator, Observation, Payload, Precondition, StackKey};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};

use super::*;
use crate::{Azure, Pace};

/// A request as it came: its first line, headers in lower case, and body.
#[derive(Debug, Clone, Default)]
struct Seen {
    line: String,
    headers: BTreeMap<String, String>,
    body: Json,
}

use std::collections::BTreeMap;

type Script = Arc<Mutex<(VecDeque<(u16, Vec<(String, String)>, String)>, Vec<Seen>)>>;

/// A server on this machine, over plain http: tokens under `/msi`, else the script's next answer.
struct Server {
    url: String,
    script: Script,
}

async fn serve(stream: tokio::net::TcpStream, script: Script) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut seen = Seen::default();
        stream.read_line(&mut seen.line).await.ok().filter(|read| *read > 0)?;
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.ok()?;
            let Some((name, value)) = line.trim().split_once(": ") else { break };
            seen.headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let length: usize = seen.headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.ok()?;
        seen.body = serde_json::from_slice(&body).unwrap_or_default();
        let (status, headers, body) = if seen.line.contains(" /msi") {
            (200, Vec::new(), r#"{"access_token": "the-token", "expires_on": "4102444800"}"#.to_owned())
        } else {
            let mut script = script.lock().expect("not poisoned");
            script.1.push(seen);
            script.0.pop_front().unwrap_or((500, Vec::new(), String::new()))
        };
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}

impl Server {
    async fn new() -> Server {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let script = Script::default();
        let shared = script.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Server { url, script }
    }

    fn answer(&self, status: u16, body: &Json) -> &Self {
        self.answer_with(status, &[], body)
    }

    fn answer_with(&self, status: u16, headers: &[(&str, &str)], body: &Json) -> &Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.script.lock().expect("not poisoned").0.push_back((status, headers, body));
        self
    }

    fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.script.lock().expect("not poisoned").1)
    }

    fn client(&self) -> Arc<ArmClient> {
        let cloud = Cloud::custom("loopback", &self.url, &self.url, None).expect("a cloud");
        let sign_in = SignIn { credential: "managed_identity".to_owned(), tenant: None, cloud };
        let environment = [("IDENTITY_ENDPOINT", format!("{}/msi", self.url)), ("IDENTITY_HEADER", "h".to_owned())];
        let environment = environment.map(|(name, value)| (name.to_owned(), value)).into();
        Arc::new(ArmClient::new(Arc::new(Identity::open(&sign_in, &environment).expect("opens"))))
    }

    fn azure(&self) -> Azure {
        Azure::new(self.client(), StackKey::from_bytes([7; 32])).at_pace(Pace::default())
    }
}

const POOL: &str =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c/agentPools/p";

fn call(action: Action, precondition: Precondition) -> Call {
    let body = json!({"properties": {"count": 2, "tags": {"kfplan-stack": "a", "kfplan-environment": "b", "kfplan-lineage": "c", "kfplan-address": "aks_node_pool.p"}}});
    Call {
        action,
        locator: Locator::Arm(ArmLocator { id: POOL.to_owned(), api_version: "2026-08-01".to_owned() }),
        payload: Some(Payload {
            desired: Desired { body, ..Desired::default() },
            force: Vec::new(),
            remove: Vec::new(),
        }),
        precondition,
    }
}

fn absent() -> Json {
    json!({"code": "NotFound", "message": "Could not find the agentpool: p."})
}

fn pool(count: i64) -> Json {
    json!({"id": POOL, "name": "p", "properties": {"count": count, "eTag": "tag-1", "provisioningState": "Succeeded", "unknownToUs": {"a": 1},
        "tags": {"kfplan-stack": "a", "kfplan-environment": "b", "kfplan-lineage": "c", "kfplan-address": "aks_node_pool.p"}}})
}

#[tokio::test]
async fn a_create_asks_that_nothing_be_there() {
    let server = Server::new().await;
    server.answer(404, &absent()).answer_with(
        201,
        &[("azure-asyncoperation", &format!("{}/op?t=1&c=%2F&s=x", server.url))],
        &pool(2),
    );
    let begun = server.azure().begin(&call(Action::Create, Precondition::Absent)).await;
    let seen = server.seen();
    assert_eq!(seen[1].line.trim(), format!("PUT {POOL}?api-version=2026-08-01 HTTP/1.1"));
    assert_eq!(seen[1].headers.get("if-none-match").map(String::as_str), Some("*"));
    assert_eq!(seen[1].headers.get("authorization").map(String::as_str), Some("Bearer the-token"));
    assert_eq!(seen[1].body["properties"]["count"], 2);
    // The operation's URL is followed as it was given, and never shown.
    let Progress::Waiting { ticket, .. } = begun else { panic!("{begun:?}") };
    assert!(!format!("{ticket:?}").contains("/op?"), "{ticket:?}");
    server.answer_with(200, &[("retry-after", "7")], &json!({"name": "x", "status": "InProgress"}));
    let on = server.azure().progress(&ticket).await;
    assert!(matches!(&on, Progress::Waiting { after, .. } if *after == Duration::from_secs(7)), "{on:?}");
    assert_eq!(server.seen()[0].line.trim(), "GET /op?t=1&c=%2F&s=x HTTP/1.1");
}

#[tokio::test]
async fn an_update_names_the_etag_and_sends_back_what_it_does_not_know() {
    let server = Server::new().await;
    server.answer(200, &pool(1)).answer(200, &pool(2)).answer(200, &pool(2));
    let done = server.azure().begin(&call(Action::Update, Precondition::Anything)).await;
    assert!(matches!(done, Progress::Done(_)), "{done:?}");
    let seen = server.seen();
    assert_eq!(seen[1].headers.get("if-match").map(String::as_str), Some("tag-1"));
    assert_eq!(seen[1].body["properties"]["unknownToUs"], json!({"a": 1}));
    assert_eq!((&seen[1].body["properties"]["count"], seen[1].body["properties"].get("eTag")), (&json!(2), None));
}

#[tokio::test]
async fn a_lost_race_is_read_again_and_judged_by_its_fields() {
    let server = Server::new().await;
    // Ours: the fields are the same, so it is tried once more with the new tag.
    let mut moved = pool(1);
    moved["properties"]["eTag"] = json!("tag-2");
    let conflict = json!({"code": "PreconditionFailed", "message": "modified"});
    server.answer(200, &pool(1)).answer(412, &conflict).answer(200, &moved).answer(200, &pool(2)).answer(200, &pool(2));
    let done = server.azure().begin(&call(Action::Update, Precondition::Anything)).await;
    assert!(matches!(done, Progress::Done(_)), "{done:?}");
    assert_eq!(server.seen()[3].headers.get("if-match").map(String::as_str), Some("tag-2"));
    // Somebody else made it between our look and our create.
    let mut theirs = pool(1);
    theirs["properties"]["tags"] = json!({});
    server.answer(404, &absent()).answer(412, &conflict).answer(200, &theirs);
    let stale = server.azure().begin(&call(Action::Create, Precondition::Absent)).await;
    assert!(matches!(stale, Progress::Stale { .. }), "{stale:?}");
    assert_eq!(server.seen().iter().filter(|seen| seen.line.starts_with("PUT")).count(), 1);
}

#[tokio::test]
async fn a_precondition_that_is_accepted_and_fails_later_is_tried_anew() {
    let server = Server::new().await;
    let operation = format!("{}/op", server.url);
    let operation = [("azure-asyncoperation", operation.as_str())];
    let failed = json!({"error": {"code": "PreconditionFailed", "message": "The pool has been modified (etag mismatch)."}, "status": "Failed"});
    server.answer(200, &pool(1)).answer_with(200, &operation, &pool(1));
    let begun = server.azure().begin(&call(Action::Update, Precondition::Anything)).await;
    let Progress::Waiting { ticket, .. } = begun else { panic!("{begun:?}") };
    server.answer(200, &failed).answer(200, &pool(1)).answer(200, &pool(2)).answer(200, &pool(2));
    let done = server.azure().progress(&ticket).await;
    assert!(matches!(done, Progress::Done(_)), "{done:?}");
    assert_eq!(server.seen().iter().filter(|seen| seen.line.starts_with("PUT")).count(), 2);
}

#[tokio::test]
async fn a_token_goes_to_no_other_host() {
    let server = Server::new().await;
    server.answer(200, &json!({"value": [1], "nextLink": "http://localhost:1/elsewhere"}));
    let trouble = server.client().list("/subscriptions", "2022-12-01", "").await.expect_err("another host");
    assert!(trouble.message.contains("it leads to `localhost`"), "{trouble}");
    let server = Server::new().await;
    server
        .answer(200, &json!({"value": [1], "nextLink": format!("{}/more", server.url)}))
        .answer(200, &json!({"value": []}));
    assert_eq!(server.client().list("/subscriptions", "2022-12-01", "").await.expect("two pages").len(), 1);
}

#[tokio::test]
async fn a_refused_token_is_asked_for_anew_once() {
    let server = Server::new().await;
    let refused = json!({"error": {"code": "ExpiredAuthenticationToken", "message": "The access token expired."}});
    server.answer(401, &refused).answer(200, &pool(1));
    let place = call(Action::Refresh, Precondition::Anything).locator;
    let seen = server.azure().observe(std::slice::from_ref(&place)).await;
    assert!(matches!(seen[0], Observation::Present(_)), "{seen:?}");
    server.answer(401, &refused).answer(401, &refused);
    let seen = server.azure().observe(&[place]).await;
    assert!(matches!(&seen[0], Observation::Failed(trouble) if trouble.class == Class::Auth), "{seen:?}");
}

#[tokio::test]
async fn both_shapes_of_errors_are_read_and_said_with_what_to_do() {
    let server = Server::new().await;
    let flat = json!({"code": "PropertyChangeNotAllowed", "details": null, "message": "Changing property 'properties.vmSize' is not allowed.", "target": "properties.vmSize"});
    let nested = json!({"error": {"code": "QuotaExceeded", "message": "No.", "details": [{"code": "x", "message": "Family NC: 0 of 0."}]}});
    let mut told = Vec::new();
    for (status, body) in [(400, flat), (409, nested), (400, Json::Null), (503, Json::Null)] {
        server.answer(404, &absent()).answer(status, &body);
        match server.azure().begin(&call(Action::Create, Precondition::Absent)).await {
            Progress::Failed(trouble) => {
                told.push(format!("{:?} {}: {}; {}", trouble.class, trouble.code, trouble.message, trouble.help))
            }
            other => panic!("{other:?}"),
        }
    }
    insta::assert_snapshot!(told.join("\n").replace(POOL, "POOL"), @r"
    Permanent PropertyChangeNotAllowed: creating `POOL`: Changing property 'properties.vmSize' is not allowed; this property is fixed when the resource is made: state the old value, or replace the resource
    Quota QuotaExceeded: creating `POOL`: No. (Family NC: 0 of 0.); ask for more at https://learn.microsoft.com/azure/quotas/view-quotas, or use fewer or smaller machines
    Permanent HTTP400: creating `POOL`: HTTP 400; change what the message names in the stack file
    Retryable HTTP503: creating `POOL`: HTTP 503; Azure had a failure of its own: try again; https://azure.status.microsoft
    ");
}

#[tokio::test]
async fn a_name_cannot_become_another_url() {
    let server = Server::new().await;
    server.answer(404, &absent());
    let client = server.client();
    let _ = client.get("/subscriptions/s/resourceGroups/a?b#c d", "1").await.expect("an answer");
    assert_eq!(
        server.seen()[0].line.trim(),
        "GET /subscriptions/s/resourceGroups/a%3Fb%23c%20d?api-version=1 HTTP/1.1"
    );
}
