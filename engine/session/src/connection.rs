//! The clouds of a session: signed in to, or simulated.

use std::collections::BTreeMap;
use std::sync::Arc;

use kfplan_azure::{ArmClient, Azure, Needs, Subscription, Survey};
use kfplan_contract::Provider;
use kfplan_identity::{Cloud, Identity, SignIn};
use kfplan_kubernetes::{Access as _, Kubernetes};
use kfplan_model::{ResourceAddress, Stack};
use kfplan_plan::{Ownership, Trouble};

use crate::access::ClusterAccess;
use crate::error::{Failure, SessionError};
use crate::options::Options;
use crate::place::Place;
use crate::router::Router;
use crate::sandbox::{self, Reached};
use crate::session::State;

/// Azure, signed in to.
struct SignedIn {
    client: Arc<ArmClient>,
    identity: Arc<Identity>,
    subscription: Subscription,
}

/// All that a session can ask.
pub(crate) struct Connection {
    sandbox: Option<Reached>,
    azure: Option<SignedIn>,
    access: Arc<ClusterAccess>,
    provider: Arc<Router>,
}

impl Connection {
    pub(crate) async fn open(
        options: &Options,
        place: &Place,
        stack: &Stack,
        state: &State,
        ownership: Ownership,
    ) -> Result<Self, SessionError> {
        let sandbox = if options.sandbox { Some(sandbox::reach(options, None).await?) } else { None };
        let azure = match &stack.azure {
            Some(settings) => Some(sign_in(settings, options, sandbox.as_ref()).await?),
            None => None,
        };
        let subscription = azure.as_ref().map(|azure| azure.subscription.id.as_str());
        let ways = azure.as_ref().map(|azure| (azure.client.clone(), azure.identity.clone()));
        let home = options.variables.get("HOME").map(std::path::Path::new);
        let access = Arc::new(ClusterAccess::new(ways, subscription, stack, place.folder(), home, &state.records));
        let clusters = Arc::new(Kubernetes::new(access.clone(), ownership, state.key.clone()));
        let pace = sandbox.is_some().then(crate::sandbox::pace);
        let provider = azure.as_ref().map(|azure| {
            let provider = Azure::new(azure.client.clone(), state.key.clone());
            Arc::new(match pace {
                Some(pace) => provider.at_pace(pace),
                None => provider,
            }) as Arc<dyn Provider>
        });
        let provider = Arc::new(Router { azure: provider, clusters });
        Ok(Self { sandbox, azure, access, provider })
    }

    pub(crate) fn provider(&self) -> &dyn Provider {
        &*self.provider
    }

    pub(crate) fn shared(&self) -> Arc<dyn Provider> {
        self.provider.clone()
    }

    pub(crate) fn subscription(&self) -> Option<&str> {
        self.azure.as_ref().map(|azure| azure.subscription.id.as_str())
    }

    pub(crate) fn tenant(&self) -> Option<&str> {
        self.azure.as_ref().map(|azure| azure.subscription.tenant.as_str()).filter(|tenant| !tenant.is_empty())
    }

    pub(crate) async fn kubeconfig(&self, cluster: &ResourceAddress) -> Result<String, Trouble> {
        self.access.kubeconfig(cluster).await
    }

    /// What Azure says a subscription can have; `None` without Azure.
    pub(crate) async fn survey(&self, needs: &Needs) -> Option<Survey> {
        let azure = self.azure.as_ref()?;
        Some(azure.client.survey(&azure.subscription.id, needs).await)
    }

    pub(crate) fn close(self) {
        if let Some(sandbox) = self.sandbox {
            sandbox.stop();
        }
    }
}

async fn sign_in(
    settings: &kfplan_model::AzureSettings,
    options: &Options,
    sandbox: Option<&Reached>,
) -> Result<SignedIn, SessionError> {
    let failed = |error: kfplan_identity::IdentityError| {
        SessionError::from(Failure::new("azure::sign_in", crate::repos::reason(&error), error.help()))
    };
    let (sign_in, environment, subscription) = match sandbox {
        Some(reached) => {
            let sim = kfplan_sim::ArmSettings::from(&kfplan_sim::Options::default());
            let url = &reached.reach.azure_url;
            let cloud = Cloud::custom("sandbox", url, url, Some(reached.reach.ca_pem.clone())).map_err(failed)?;
            let (client, secret) = sim.principals.first().cloned().unwrap_or_default();
            let environment: BTreeMap<String, String> = [
                ("AZURE_TENANT_ID".to_owned(), sim.tenant.clone()),
                ("AZURE_CLIENT_ID".to_owned(), client),
                ("AZURE_CLIENT_SECRET".to_owned(), secret),
            ]
            .into();
            let subscription = sim.subscriptions.first().map(|(id, _)| id.clone()).unwrap_or_default();
            (
                SignIn { credential: "client_secret".to_owned(), tenant: Some(sim.tenant), cloud },
                environment,
                subscription,
            )
        }
        None => {
            let cloud = Cloud::named(&settings.cloud).map_err(failed)?;
            let subscription = settings.subscription.clone().ok_or_else(|| {
                Failure::new(
                    "azure::subscription",
                    "`azure.subscription` has no value",
                    "set it, or the environment variable that it names",
                )
            })?;
            (
                SignIn { credential: settings.credential.clone(), tenant: settings.tenant.clone(), cloud },
                options.variables.clone(),
                subscription,
            )
        }
    };
    let identity = Arc::new(Identity::open(&sign_in, &environment).map_err(failed)?);
    let client = Arc::new(ArmClient::new(identity.clone()));
    let subscription = client
        .subscription(&subscription)
        .await
        .map_err(|error| Failure::new("azure::subscription", crate::repos::reason(&error), error.help()))?;
    Ok(SignedIn { client, identity, subscription })
}
