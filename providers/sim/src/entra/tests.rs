//! Facts about tokens.

use serde_json::Value;

use crate::arm::{Arm, Settings};
use crate::wire::{Request, Response};
use crate::world::{Front, Options, World};

const NOW: u64 = 1_795_478_400_000;
const BASE: &str = "https://127.0.0.1:8443";
const TENANT: &str = "11111111-1111-4111-8111-111111111111";
const CLIENT: &str = "22222222-2222-4222-8222-222222222222";

struct Clouds(World, u64);

impl Clouds {
    fn new() -> Clouds {
        Clouds(World::new(Options::default()).with_front(Box::new(Arm::new(Settings::default()))), NOW)
    }

    fn ask(&mut self, request: &Request) -> Response {
        self.0.handle(self.1, request)
    }

    fn login(&mut self, form: &str) -> Response {
        let mut request = Request::new("POST", &format!("{BASE}/{TENANT}/oauth2/v2.0/token"));
        request.body = format!("grant_type=client_credentials&client_id={CLIENT}&{form}").into_bytes();
        self.ask(&request)
    }

    fn subscriptions(&mut self, token: &str) -> Response {
        let request = Request::new("GET", &format!("{BASE}/subscriptions?api-version=2022-12-01"));
        self.ask(&request.with("authorization", &format!("Bearer {token}")))
    }
}

fn token(answer: &Response) -> String {
    let body = answer.value();
    let token = body.get("access_token").or_else(|| body.get("value")).or_else(|| body.get("oidcToken"));
    token.and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn code(answer: &Response) -> (u16, String) {
    let body = answer.value();
    let code = body.pointer("/error/code").or_else(|| body.get("error_description")).and_then(Value::as_str);
    (answer.status, code.unwrap_or_default().chars().take(30).collect())
}

const SCOPE: &str = "scope=https%3A%2F%2F127.0.0.1%3A8443%2F%2F.default";

#[test]
fn a_client_with_its_secret_gets_a_token_that_opens_arm_for_an_hour() {
    let mut clouds = Clouds::new();
    let answer = clouds.login(&format!("client_secret=sandbox-secret&{SCOPE}"));
    assert_eq!((answer.status, answer.value()["token_type"].clone()), (200, "Bearer".into()));
    let token = token(&answer);
    assert_eq!(token.split('.').count(), 3);
    assert_eq!(clouds.subscriptions(&token).status, 200);
    clouds.1 += 3_600_000;
    assert_eq!(code(&clouds.subscriptions(&token)), (401, "ExpiredAuthenticationToken".into()));
}

#[test]
fn requests_without_a_token_of_this_world_are_401_and_say_where_to_log_in() {
    let mut clouds = Clouds::new();
    let answer = clouds.ask(&Request::new("GET", &format!("{BASE}/subscriptions?api-version=2022-12-01")));
    assert_eq!(code(&answer), (401, "AuthenticationFailed".into()));
    assert!(answer.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer authorization_uri=")));
    assert_eq!(code(&clouds.subscriptions("a.b.c")), (401, "InvalidAuthenticationToken".into()));
}

#[test]
fn a_token_for_something_else_does_not_open_arm() {
    let mut clouds = Clouds::new();
    let storage = "scope=https%3A%2F%2Fstorage.azure.com%2F.default";
    let other = token(&clouds.login(&format!("client_secret=sandbox-secret&{storage}")));
    assert_eq!(code(&clouds.subscriptions(&other)), (401, "InvalidAuthenticationTokenAudi".into()));
}

#[test]
fn what_is_wrong_with_a_login_has_its_number() {
    let mut clouds = Clouds::new();
    for (form, status, number) in [
        (format!("client_secret=wrong&{SCOPE}"), 401, "AADSTS7000215"),
        (SCOPE.to_owned(), 401, "AADSTS7000218"),
        ("client_secret=sandbox-secret&scope=https%3A%2F%2Fnobody%2F.default".to_owned(), 400, "AADSTS500011"),
        (
            format!(
                "client_assertion=x.y.z&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&{SCOPE}"
            ),
            401,
            "AADSTS700027",
        ),
    ] {
        let answer = clouds.login(&form);
        let found = answer.value()["error_description"].as_str().unwrap_or_default().to_owned();
        assert!(answer.status == status && found.starts_with(number), "{form}: {} {found}", answer.status);
    }
    let mut stranger = Request::new("POST", &format!("{BASE}/{TENANT}/oauth2/v2.0/token"));
    stranger.body = format!("grant_type=client_credentials&client_id=nobody&client_secret=x&{SCOPE}").into_bytes();
    assert!(code(&clouds.ask(&stranger)).1.starts_with("AADSTS700016"));
}

#[test]
fn runners_trade_their_own_token_for_one_of_the_cloud() {
    let mut clouds = Clouds::new();
    let github = Request::new("GET", &format!("{BASE}/oidc/github?audience=api%3A%2F%2FAzureADTokenExchange"));
    let pipelines = Request::new("POST", &format!("{BASE}/oidc/pipelines?api-version=7.1&serviceConnectionId=s"));
    for request in [github, pipelines] {
        assert_eq!(clouds.ask(&request).status, 401, "{}", request.path);
        let assertion = token(&clouds.ask(&request.with("authorization", "Bearer sandbox-runner")));
        let kind = "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
        let form = format!("client_assertion={assertion}&{kind}&{SCOPE}");
        let opened = token(&clouds.login(&form));
        assert_eq!(clouds.subscriptions(&opened).status, 200);
        clouds.1 += 301_000;
        assert!(code(&clouds.login(&form)).1.starts_with("AADSTS700024"), "an assertion lives five minutes");
    }
}

#[test]
fn machines_get_tokens_by_being_where_they_are() {
    let mut clouds = Clouds::new();
    let resource = "resource=https%3A%2F%2Fmanagement.azure.com%2F";
    let service = Request::new("GET", &format!("{BASE}/msi/token?api-version=2019-08-01&{resource}"));
    let machine =
        Request::new("GET", &format!("{BASE}/metadata/identity/oauth2/token?api-version=2018-02-01&{resource}"));
    for (request, header, value, refused) in
        [(service, "x-identity-header", "sandbox-runner", 401), (machine, "metadata", "true", 400)]
    {
        assert_eq!(clouds.ask(&request).status, refused);
        let answer = clouds.ask(&request.with(header, value));
        assert!(answer.value()["expires_on"].is_string());
        let opened = token(&answer);
        assert_eq!(clouds.subscriptions(&opened).status, 200);
    }
}

#[test]
fn clients_learn_where_things_are_without_a_token() {
    let mut clouds = Clouds::new();
    let endpoints =
        clouds.ask(&Request::new("GET", &format!("{BASE}/metadata/endpoints?api-version=2022-09-01"))).value();
    assert_eq!(endpoints["resourceManager"], format!("{BASE}/"));
    assert_eq!(endpoints["authentication"]["loginEndpoint"], BASE);
    let path = format!("{BASE}/{TENANT}/v2.0/.well-known/openid-configuration");
    let configuration = clouds.ask(&Request::new("GET", &path)).value();
    assert_eq!(configuration["token_endpoint"], format!("{BASE}/{TENANT}/oauth2/v2.0/token"));
}

#[test]
fn a_token_for_the_clusters_names_its_principal_there_and_no_other_does() {
    let arm = Arm::new(Settings::default());
    let token = arm.access_token(NOW, "6dae42f8-4368-4678-94ff-3960e28e3630");
    assert_eq!(arm.subject(NOW, &token), Some(CLIENT.to_owned()));
    assert_eq!(arm.subject(NOW + 3_600_000, &token), None);
    let other = arm.access_token(NOW, "https://management.azure.com/");
    assert_eq!(arm.subject(NOW, &other), None);
    assert_eq!(arm.subject(NOW, "a.b.c"), None);
}
