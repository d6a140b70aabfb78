//! What is known of a cluster: whether it is there, who it is, and what it serves.

use kfplan_model::ResourceAddress;
use kfplan_plan::{ClusterFacts, Discovery, Locator};

use crate::error::PlanError;
use crate::input::Question;
use crate::inventory::{Fate, Inventory, Seen};

/// How a cluster stands.
#[derive(Debug, Clone)]
pub(crate) enum Standing<'a> {
    /// It comes, or comes anew, with this plan: why nobody can be asked.
    Comes(String),
    /// It was there and is gone, and nobody wants it.
    Gone,
    /// It answers.
    There(&'a Discovery),
    /// It does not answer, and its contents are left out: why.
    LeftOut(String),
}

/// What is known of a cluster's own resource.
enum Own {
    /// It has no ARM resource of ours: it is there, whoever made it.
    None,
    /// An answer is missing; whether it was there when it was recorded.
    Pending {
        recorded: bool,
    },
    There,
    Comes(String),
    Gone,
    Unknown(String),
}

impl<'a> Inventory<'a> {
    /// How a cluster stands; `None` while an answer is missing, which is asked for.
    pub(crate) fn standing(&mut self, cluster: &ResourceAddress) -> Option<Standing<'a>> {
        if let Some(standing) = self.standings.get(cluster) {
            return Some(standing.clone());
        }
        let standing = match self.own(cluster) {
            Own::Pending { recorded } => {
                if recorded || self.recorded_clusters.contains(cluster) {
                    self.discovery(cluster);
                }
                return None;
            }
            Own::Comes(why) => Standing::Comes(why),
            Own::Gone => Standing::Gone,
            Own::Unknown(why) => Standing::LeftOut(why),
            Own::None | Own::There => match self.discovery(cluster)? {
                Ok(discovery) => {
                    self.check_identity(cluster, discovery);
                    Standing::There(discovery)
                }
                Err(trouble) => {
                    if !self.input.options.allow_unreachable {
                        self.errors.push(PlanError::Unreachable {
                            cluster: cluster.clone(),
                            reason: trouble.message.clone(),
                            help: trouble.help.clone(),
                        });
                    }
                    Standing::LeftOut(format!("`{cluster}` cannot be reached: {}", trouble.message))
                }
            },
        };
        self.standings.insert(cluster.clone(), standing.clone());
        Some(standing)
    }

    fn discovery(&mut self, cluster: &ResourceAddress) -> Option<Result<&'a Discovery, &'a kfplan_plan::Trouble>> {
        let answers = self.input.answers;
        match answers.discoveries.get(cluster) {
            Some(answer) => Some(answer.as_ref()),
            None => {
                self.ask(Question::Discover(cluster.clone()));
                None
            }
        }
    }

    fn own(&self, cluster: &ResourceAddress) -> Own {
        let Some(node) = self.main(cluster).map(|node| &self.nodes[node as usize]) else {
            // A cluster that is wanted and not expanded yet may still turn out to come with this plan.
            return match self.owner_of(cluster).map(|owner| &self.owners[owner as usize]) {
                Some(owner) if owner.stated.is_some() && owner.phase == crate::inventory::Phase::Waiting => {
                    Own::Pending { recorded: false }
                }
                _ => Own::None,
            };
        };
        if matches!(node.locator(), Locator::Object(_)) {
            return Own::None;
        }
        let wanted = node.draft.is_some();
        match (&node.seen, node.fate) {
            (Seen::Pending, _) => Own::Pending { recorded: node.recorded.is_some() },
            (Seen::Absent | Seen::NotServed, _) if !wanted => Own::Gone,
            (Seen::Unknown(why) | Seen::LeftOut(why), _) => {
                Own::Unknown(format!("`{cluster}` was not observed: {why}"))
            }
            (_, Fate::Pending) if wanted => Own::Pending { recorded: node.recorded.is_some() },
            (_, fate) if fate.is_renewing() => Own::Comes(format!("`{cluster}` comes with this plan")),
            (Seen::ToCome(why), _) => Own::Comes(why.clone()),
            (Seen::Absent | Seen::NotServed, _) => Own::Gone,
            // A run that made it was stopped, or somebody else makes it: its contents come after it.
            (Seen::Live(live), _) if wanted && self.input.kinds.rules(node.locator()).is_coming(live) => {
                Own::Comes(format!("`{cluster}` is still being made"))
            }
            (Seen::Live(_), _) => Own::There,
        }
    }

    /// Refuses another cluster than state is bound to, unless it is known that kfplan itself made it anew.
    fn check_identity(&mut self, cluster: &ResourceAddress, discovery: &Discovery) {
        let Some(bound) = self.input.state.bindings.get(&format!("cluster:{cluster}")) else {
            return;
        };
        if *bound != discovery.identity && !self.is_made_anew(cluster) {
            self.errors.push(PlanError::OtherIdentity {
                what: format!("cluster {cluster}"),
                bound: bound.clone(),
                found: discovery.identity.clone(),
            });
        }
    }

    /// Whether what is there carries our marks and is what the record says: then a run that replaced it ended
    /// before it could say so.
    fn is_made_anew(&self, cluster: &ResourceAddress) -> bool {
        let Some(node) = self.main(cluster).map(|node| &self.nodes[node as usize]) else {
            return false;
        };
        let (Some(recorded), Some(live)) = (node.recorded, node.live()) else {
            return false;
        };
        let in_doubt = matches!(recorded.record.state, kfplan_plan::RecordState::InDoubt(_));
        self.input.kinds.rules(node.locator()).is_ours(live, self.input.ownership)
            && (in_doubt || recorded.record.uid == live.uid)
    }

    /// The identity of a cluster, if it is there.
    pub(crate) fn identity_of(&self, cluster: &ResourceAddress) -> Option<&'a str> {
        match self.standings.get(cluster)? {
            Standing::There(discovery) => Some(&discovery.identity),
            Standing::Comes(_) | Standing::Gone | Standing::LeftOut(_) => None,
        }
    }

    /// What is known of a cluster when its contents are planned; `None` while an answer is missing.
    pub(crate) fn facts(&mut self, cluster: &ResourceAddress) -> Option<ClusterFacts> {
        let stated = self.stated_facts(cluster);
        let facts = match self.standing(cluster)? {
            Standing::There(discovery) => ClusterFacts {
                version: Some(later(&discovery.version, stated.version.as_deref())),
                exists: true,
                ..stated
            },
            Standing::LeftOut(_) => ClusterFacts { exists: true, ..stated },
            Standing::Comes(_) | Standing::Gone => ClusterFacts { exists: false, ..stated },
        };
        Some(facts)
    }

    /// What the stack alone tells of a cluster.
    pub(crate) fn stated_facts(&self, cluster: &ResourceAddress) -> ClusterFacts {
        let kind = self.owner_of(cluster).and_then(|owner| self.owners[owner as usize].kind);
        let resource = self.resolved.get(cluster);
        kind.zip(resource).and_then(|(kind, resource)| kind.cluster(resource)).unwrap_or_else(|| ClusterFacts {
            cluster: cluster.clone(),
            version: None,
            aks: None,
            exists: false,
        })
    }
}

/// The version that a cluster has once the plan is carried out: contents are judged by what an upgrade makes of it.
fn later(running: &str, stated: Option<&str>) -> String {
    let numbers = |version: &str| -> Option<(u32, u32)> {
        let mut parts = version.trim_start_matches('v').split('.');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    };
    match stated.filter(|stated| numbers(stated) > numbers(running)) {
        Some(stated) => stated.to_owned(),
        None => running.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::later;

    #[test]
    fn contents_are_judged_by_the_version_that_an_upgrade_brings() {
        assert_eq!(later("1.21.14", Some("1.22")), "1.22");
        assert_eq!(later("v1.9.1", Some("1.10")), "1.10");
        assert_eq!(later("1.21.14", Some("1.21")), "1.21.14");
        assert_eq!(later("1.22.3", Some("1.21")), "1.22.3");
        assert_eq!(later("1.22.3", None), "1.22.3");
    }
}
