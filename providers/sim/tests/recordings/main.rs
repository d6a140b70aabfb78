//! The simulated ARM against real exchanges: each recorded scenario is played, request by request, and every
//! difference from the recording is either gone or has a name and a reason in `named.rs`.

mod compare;
mod named;
mod replay;
mod scenarios;

use replay::Played;

/// Plays a scenario, and fails with all differences that have no name, and all names that name nothing.
fn check(scenario: &str) {
    let Some(folder) = replay::folder() else { return };
    let mut stage = scenarios::stage(scenario);
    let played: Vec<Played> =
        replay::read(&folder, scenario).into_iter().map(|exchange| stage.play(exchange)).collect();
    let names = named::of(scenario);
    let mut used = vec![false; names.len()];
    let mut unexplained = Vec::new();
    for one in &played {
        for difference in compare::differences(one) {
            match names.iter().position(|name| name.covers(&one.recorded.file, &difference)) {
                Some(at) => used[at] = true,
                None => unexplained.push(format!("{} {difference}", one.recorded.file)),
            }
        }
    }
    let idle = names.iter().zip(&used).filter(|(name, used)| !name.everywhere && !**used);
    unexplained
        .extend(idle.map(|(name, _)| format!("named, and not there: {} {} ({})", name.file, name.path, name.why)));
    assert!(unexplained.is_empty(), "{scenario}:\n{}", unexplained.join("\n"));
    assert!(!played.is_empty(), "{scenario} has no exchange");
}

#[test]
fn a_cluster_with_a_gpu_pool_lives_as_recorded() {
    check("gpu-pool");
}

#[test]
fn the_newest_create_carries_etags_and_kind() {
    check("cluster-etag");
}

#[test]
fn the_autoscaler_moves_the_count_as_recorded() {
    check("pool-autoscaler");
}

#[test]
fn an_aborted_create_ends_canceled() {
    check("abort-create");
}

#[test]
fn pool_cluster_and_group_go_away_as_recorded() {
    check("delete-states");
}

#[test]
fn credentials_come_as_recorded() {
    check("credentials");
}

#[test]
fn a_group_lives_as_recorded() {
    check("resource-group");
}

#[test]
fn a_group_that_goes_can_still_be_read() {
    check("group-deleting");
}

#[test]
fn a_stale_if_match_is_412_on_a_synchronous_put() {
    check("if-match-412");
}

#[test]
fn a_stale_if_match_is_accepted_and_fails_on_a_long_running_put() {
    check("if-match-mismatch");
}

#[test]
fn a_create_only_put_creates() {
    check("if-none-match-create");
}

#[test]
fn deleting_what_is_absent_is_204() {
    check("delete-absent");
}

#[test]
fn every_recorded_scenario_is_played() {
    let Some(folder) = replay::folder() else { return };
    let found: Vec<String> = std::fs::read_dir(folder)
        .expect("the folder can be read")
        .map(|entry| entry.expect("the folder can be read").file_name().to_string_lossy().into_owned())
        .collect();
    let mut missing: Vec<&String> = found.iter().filter(|name| !scenarios::NAMES.contains(&name.as_str())).collect();
    missing.sort();
    assert!(missing.is_empty(), "recorded, and not played: {missing:?}");
}
