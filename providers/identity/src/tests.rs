//! Who is signed in under which environment.

use kfplan_sim::{Arm, ArmSettings, Endpoints, Options, Sandbox, SandboxOptions};

use super::*;

const TENANT: &str = "11111111-1111-4111-8111-111111111111";
const CLIENT: &str = "22222222-2222-4222-8222-222222222222";

fn environment(pairs: &[(&str, &str)]) -> Environment {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn sign_in(credential: &str, cloud: Cloud) -> SignIn {
    SignIn { credential: credential.to_owned(), tenant: None, cloud }
}

fn chosen(credential: &str, pairs: &[(&str, &str)]) -> String {
    match choose::choose(credential, None, &environment(pairs), |_| false) {
        Ok(choice) => choice.to_string(),
        Err(error) => format!("{error}\nhelp: {}", error.help()),
    }
}

async fn sandbox(folder: &std::path::Path) -> (Sandbox, Endpoints) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let front = Box::new(Arm::new(ArmSettings::default()));
    let options = SandboxOptions { world: Options::default(), front: Some(front), port: None };
    let sandbox = Sandbox::open(folder, options).expect("opens");
    let endpoints = sandbox.start().await.expect("starts");
    (sandbox, endpoints)
}

fn cloud(endpoints: &Endpoints) -> Cloud {
    let url = &endpoints.azure_url;
    Cloud::custom("sandbox", url, url, Some(endpoints.ca_pem.clone())).expect("a cloud")
}

#[test]
fn auto_takes_what_is_set_up_and_says_why() {
    let ids = [("AZURE_CLIENT_ID", "c"), ("AZURE_TENANT_ID", "t")];
    let github = [("ACTIONS_ID_TOKEN_REQUEST_URL", "u"), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "s")];
    assert_eq!(
        chosen("auto", &[&ids[..], &github].concat()),
        "github_oidc (ACTIONS_ID_TOKEN_REQUEST_URL is set), client c, tenant t"
    );
    assert_eq!(
        chosen("auto", &[&ids[..], &github, &[("AZURE_CLIENT_SECRET", "s")]].concat()),
        "client_secret (AZURE_CLIENT_SECRET is set), client c, tenant t"
    );
    assert_eq!(
        chosen("auto", &[&ids[..], &[("AZURE_FEDERATED_TOKEN_FILE", "f")]].concat()),
        "workload_identity (AZURE_FEDERATED_TOKEN_FILE is set), client c, tenant t"
    );
    assert_eq!(
        chosen("auto", &[("IDENTITY_ENDPOINT", "e"), ("IDENTITY_HEADER", "h")]),
        "managed_identity (IDENTITY_ENDPOINT is set)"
    );
    let pipelines = [
        ("SYSTEM_OIDCREQUESTURI", "u"),
        ("SYSTEM_ACCESSTOKEN", "s"),
        ("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", "x"),
        ("AZURESUBSCRIPTION_CLIENT_ID", "pc"),
        ("AZURESUBSCRIPTION_TENANT_ID", "pt"),
    ];
    assert_eq!(chosen("auto", &pipelines), "azure_pipelines (SYSTEM_OIDCREQUESTURI is set), client pc, tenant pt");
    let installed = choose::choose("auto", None, &environment(&[]), |program| program == "az").expect("a choice");
    assert_eq!(installed.to_string(), "cli (`az` is installed, and nothing else is set up)");
}

#[test]
fn what_is_not_set_up_says_what_to_set() {
    assert_eq!(
        chosen("auto", &[("AZURE_CLIENT_ID", "c"), ("AZURE_CLIENT_SECRET", "")]),
        "no Azure credential is set up:
  client_secret: AZURE_CLIENT_SECRET, AZURE_TENANT_ID not set
  github_oidc: ACTIONS_ID_TOKEN_REQUEST_URL, ACTIONS_ID_TOKEN_REQUEST_TOKEN, AZURE_TENANT_ID not set
  azure_pipelines: SYSTEM_OIDCREQUESTURI, SYSTEM_ACCESSTOKEN, AZURESUBSCRIPTION_SERVICE_CONNECTION_ID, AZURESUBSCRIPTION_TENANT_ID not set
  workload_identity: AZURE_FEDERATED_TOKEN_FILE, AZURE_TENANT_ID not set
  managed_identity: IDENTITY_ENDPOINT, IDENTITY_HEADER not set
  cli: `az` is not on PATH
help: set up one of them, or on an Azure machine write credential = \"managed_identity\" in [azure]"
    );
    assert_eq!(
        chosen("client_secret", &[("AZURE_CLIENT_ID", "c"), ("AZURE_CLIENT_SECRET", "s")]),
        "credential `client_secret` is not set up: AZURE_TENANT_ID not set\nhelp: set AZURE_TENANT_ID, or choose another credential in [azure]"
    );
    assert!(chosen("kerberos", &[]).starts_with("`kerberos` is no credential\nhelp: write credential = one of: auto,"));
    assert_eq!(chosen("managed_identity", &[]), "managed_identity (as the stack says)");
}

#[test]
fn a_stated_tenant_stands_for_the_variable() {
    let pairs = environment(&[("AZURE_CLIENT_ID", "c"), ("AZURE_CLIENT_SECRET", "s")]);
    let choice = choose::choose("auto", Some("t1"), &pairs, |_| false).expect("a choice");
    assert_eq!(choice.to_string(), "client_secret (AZURE_CLIENT_SECRET is set), client c, tenant t1");
}

#[test]
fn plain_http_is_for_this_machine_only() {
    assert!(Cloud::custom("x", "http://127.0.0.1:1", "http://localhost:2/", None).is_ok());
    let error =
        Cloud::custom("x", "http://login.example.com", "https://arm.example.com", None).expect_err("plain http");
    assert_eq!(
        error.to_string(),
        "`http://login.example.com` cannot be an endpoint: it is neither https nor on this machine"
    );
    assert_eq!(Cloud::named("china").expect("a cloud").arm_scope(), "https://management.chinacloudapi.cn/.default");
    assert!(Cloud::named("mars").is_err());
}

#[tokio::test]
async fn each_credential_signs_in_to_the_simulated_cloud() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_sandbox, endpoints) = sandbox(folder.path()).await;
    let url = endpoints.azure_url.as_str();
    let ids = [("AZURE_CLIENT_ID", CLIENT), ("AZURE_TENANT_ID", TENANT)];
    let of = |more: &[(&str, &str)]| environment(&[&ids[..], more].concat());
    // Whatever the runner gives is an assertion: it serves as a pod's token too.
    let runner =
        federated::Runner::github(&format!("{url}/oidc/github?a=b"), "sandbox-runner", identity_http(&endpoints))
            .expect("a URL");
    let assertion = azure_identity::ClientAssertion::secret(&runner, None).await.expect("an assertion");
    let token_file = folder.path().join("token");
    std::fs::write(&token_file, assertion).expect("a file");
    let az = fake_az(
        folder.path(),
        "{\"accessToken\": \"e30.eyJ0aWQiOiJ0IiwidXBuIjoicGF0QGV4YW1wbGUuY29tIn0.x\", \"expires_on\": 4102444800, \"tokenType\": \"Bearer\"}",
        0,
    );
    let (service, github, pipelines) =
        (format!("{url}/msi/token"), format!("{url}/oidc/github?a=b"), format!("{url}/oidc/pipelines"));
    for (method, environment) in [
        ("client_secret", of(&[("AZURE_CLIENT_SECRET", "sandbox-secret")])),
        (
            "github_oidc",
            of(&[("ACTIONS_ID_TOKEN_REQUEST_URL", &github), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "sandbox-runner")]),
        ),
        (
            "azure_pipelines",
            of(&[
                ("SYSTEM_OIDCREQUESTURI", &pipelines),
                ("SYSTEM_ACCESSTOKEN", "sandbox-runner"),
                ("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", "c-1"),
            ]),
        ),
        ("workload_identity", of(&[("AZURE_FEDERATED_TOKEN_FILE", token_file.to_str().expect("text"))])),
        ("managed_identity", environment(&[("IDENTITY_ENDPOINT", &service), ("IDENTITY_HEADER", "sandbox-runner")])),
        ("managed_identity", environment(&[("AZURE_POD_IDENTITY_AUTHORITY_HOST", url)])),
        ("cli", environment(&[("PATH", &az)])),
    ] {
        let identity = Identity::open(&sign_in(method, cloud(&endpoints)), &environment).expect(method);
        let principal = identity.principal().await.unwrap_or_else(|error| panic!("{method}: {error}"));
        let expected = if method == "cli" {
            "pat@example.com in tenant t".to_owned()
        } else {
            format!("{CLIENT} in tenant {TENANT}")
        };
        assert_eq!(principal.to_string(), expected, "{method}");
        if method != "cli" {
            assert!(identity.token(AKS_SCOPE).await.is_ok(), "{method}");
        }
    }
}

fn identity_http(endpoints: &Endpoints) -> reqwest::Client {
    let environment =
        environment(&[("AZURE_CLIENT_SECRET", "s"), ("AZURE_CLIENT_ID", CLIENT), ("AZURE_TENANT_ID", TENANT)]);
    Identity::open(&sign_in("auto", cloud(endpoints)), &environment).expect("opens").http().clone()
}

/// A folder with a program `az` that prints this and exits so.
fn fake_az(folder: &std::path::Path, prints: &str, exit: u8) -> String {
    use std::os::unix::fs::PermissionsExt;
    let bin = folder.join(format!("bin{exit}"));
    std::fs::create_dir_all(&bin).expect("a folder");
    let file = bin.join("az");
    let stream = if exit == 0 { "" } else { ">&2" };
    std::fs::write(&file, format!("#!/bin/sh\necho '{prints}' {stream}\nexit {exit}\n")).expect("a file");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("permissions");
    format!("{}:/usr/bin:/bin", bin.display())
}

#[tokio::test]
async fn a_refusal_says_who_refused_and_holds_no_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_sandbox, endpoints) = sandbox(folder.path()).await;
    let environment_of = |secret: &str| {
        environment(&[("AZURE_CLIENT_ID", CLIENT), ("AZURE_TENANT_ID", TENANT), ("AZURE_CLIENT_SECRET", secret)])
    };
    let identity = Identity::open(&sign_in("auto", cloud(&endpoints)), &environment_of("hunter2")).expect("opens");
    let error = identity.arm_token().await.expect_err("a wrong secret");
    assert!(matches!(error, IdentityError::Refused { method: "client_secret", .. }), "{error}");
    assert!(error.to_string().contains("AADSTS"), "{error}");
    let all = format!("{error} {error:?} {identity:?} {:?}", error.trouble());
    assert!(!all.contains("hunter2"), "{all}");
    assert_eq!(error.trouble().class, kfplan_plan::Class::Auth);

    let good = Identity::open(&sign_in("auto", cloud(&endpoints)), &environment_of("sandbox-secret")).expect("opens");
    let token = good.arm_token().await.expect("a token");
    assert!(!format!("{token:?} {good:?}").contains(token.secret()));

    let az = fake_az(folder.path(), "ERROR: Please run az login to setup account.", 1);
    let cli = Identity::open(&sign_in("cli", cloud(&endpoints)), &environment(&[("PATH", &az)])).expect("opens");
    let error = cli.arm_token().await.expect_err("nobody is signed in");
    assert_eq!(error.help(), "run `az login`, then try again");
    assert!(error.to_string().contains("Please run az login"), "{error}");
}

#[tokio::test]
async fn a_token_is_kept_until_it_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_sandbox, endpoints) = sandbox(folder.path()).await;
    let environment = environment(&[
        ("IDENTITY_ENDPOINT", &format!("{}/msi/token", endpoints.azure_url)),
        ("IDENTITY_HEADER", "sandbox-runner"),
    ]);
    let identity = Identity::open(&sign_in("auto", cloud(&endpoints)), &environment).expect("opens");
    let first = identity.arm_token().await.expect("a token");
    assert_eq!(identity.arm_token().await.expect("a token").secret(), first.secret());
    // Two tokens of one millisecond are equal there, so a few may have to be asked for.
    let mut fresh = first.clone();
    for _ in 0..100 {
        identity.refused(&identity.cloud().arm_scope()).await;
        fresh = identity.arm_token().await.expect("a token");
        if fresh.secret() != first.secret() {
            break;
        }
    }
    assert_ne!(fresh.secret(), first.secret());
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_unreachable_at_once() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let cloud = Cloud::custom("nowhere", &url, &url, None).expect("a cloud");
    let secret = environment(&[("AZURE_CLIENT_ID", CLIENT), ("AZURE_TENANT_ID", TENANT), ("AZURE_CLIENT_SECRET", "s")]);
    for environment in [secret, environment(&[("IDENTITY_ENDPOINT", &url), ("IDENTITY_HEADER", "h")])] {
        let identity = Identity::open(&sign_in("auto", cloud.clone()), &environment).expect("opens");
        let error = identity.arm_token().await.expect_err("nobody listens");
        assert_eq!(error.trouble().class, kfplan_plan::Class::Retryable, "{error}");
    }
}
