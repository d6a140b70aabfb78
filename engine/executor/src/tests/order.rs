//! What goes when.

use super::*;

#[test]
fn a_step_starts_when_its_own_dependencies_are_done() {
    // There are no waves: s3 does not wait for s1, which takes long.
    let world = Told { expected: [(0, 10), (1, 500), (2, 20), (3, 30)].into(), ..Told::default() };
    let ran = ran(creates(4, &[(0, 2), (2, 3), (0, 1)]), Limits::default(), world);
    assert_eq!(
        ran.text(),
        "0 s0 started Create\n10 s0 done\n10 s2 started Create\n10 s1 started Create\n30 s2 done\n30 s3 started Create\n60 s3 done\n510 s1 done"
    );
    assert_eq!((ran.end, ran.outcome.exit()), (End::Over(510), 0));
}

#[test]
fn the_longest_remaining_path_goes_first() {
    let mut job = creates(4, &[(2, 3)]);
    alter(&mut job, 1, |change| change.expected = 150);
    let ran = ran(job, one_at_a_time(), Told::default());
    let started: Vec<_> = ran.events.iter().filter(|event| event.contains("started")).cloned().collect();
    assert_eq!(
        started,
        ["0 s2 started Create", "100 s1 started Create", "200 s0 started Create", "300 s3 started Create"]
    );
}

#[test]
fn steps_with_one_key_never_run_at_once_and_others_do() {
    let mut job = creates(4, &[]);
    for step in [0, 1, 2] {
        alter(&mut job, step, |change| change.exclusive = Some("cluster".to_owned()));
    }
    let world = Told::default().answer(1, [Reply::In(10, busy(1, 300)), Reply::In(10, done(1))]);
    let ran = ran(job, Limits::default(), world);
    assert_eq!(
        ran.text(),
        "0 s0 started Create\n0 s3 started Create\n100 s0 done\n100 s3 done\n100 s1 started Create\n110 s1 waits: provisioning\n420 s1 done\n420 s2 started Create\n520 s2 done"
    );
}

#[test]
fn a_service_takes_no_more_calls_than_its_limit() {
    let limits = Limits { arm: 2, ..Limits::default() };
    assert_eq!(ran(creates(6, &[]), limits, Told::default()).end, End::Over(300));
}

#[test]
fn gates_take_no_slot_while_they_wait() {
    let steps = vec![gate(60), gate(60), Work::Change(Box::new(change(Action::Create, 2)))];
    let closed = || Reply::In(5, Answer::Gate(Ok(GateState::Closed("no endpoints".to_owned()))));
    let world = Told::default().answer(0, (0..6).map(|_| closed())).answer(1, (0..6).map(|_| closed()));
    let ran = ran(works(steps, &[]), one_at_a_time(), world);
    assert!(ran.text().contains("100 s2 done"), "{}", ran.text());
    assert_eq!(ran.outcome.exit(), 0);
}

#[test]
fn a_gate_is_looked_at_less_and_less_often() {
    let closed = || Reply::In(0, Answer::Gate(Ok(GateState::Closed("no endpoints".to_owned()))));
    let world = Told::default().answer(0, (0..12).map(|_| closed()));
    let ran = ran(works(vec![gate(600)], &[]), Limits::default(), world);
    let looks: Vec<u64> = ran.world.calls.iter().map(|(at, _)| *at).collect();
    let gaps: Vec<u64> = looks.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(gaps, [200, 301, 452, 679, 1019, 1529, 2294, 3442, 5000, 5000, 5000, 5000]);
    assert_eq!(ran.events.len(), 3, "what it waits for is told once: {}", ran.text());
}

#[test]
fn a_joining_gate_asks_nobody() {
    let mut steps = vec![gate(1), Work::Change(Box::new(change(Action::Create, 1)))];
    if let Work::Gate(gate) = &mut steps[0] {
        gate.probe = Probe::Joined;
    }
    let ran = ran(works(steps, &[(0, 1)]), Limits::default(), Told::default());
    assert_eq!(ran.text(), "0 s0 started\n0 s0 done\n0 s1 started Create\n100 s1 done");
    assert_eq!(ran.world.calls.len(), 1);
}

#[test]
fn a_continued_plan_does_what_is_left() {
    let mut job = creates(3, &[(0, 1), (1, 2)]);
    job.steps[0] = Prepared { is_done: true, ..Prepared::default() };
    let ran = ran(job, Limits::default(), Told::default());
    assert_eq!(ran.text(), "0 s1 started Create\n100 s1 done\n100 s2 started Create\n200 s2 done");
    assert!(ran.outcome.is_finished());
}

#[test]
fn holes_are_filled_from_what_is_done() {
    let mut job = creates(2, &[(0, 1)]);
    let late =
        kfplan_model::Late { template: "${azure_resource.s0.id}".into(), waits: [name(0).resource().clone()].into() };
    let path: kfplan_model::Path = "/number".parse().expect("a path");
    job.steps[1].payload.as_mut().expect("a body").desired.holes.push(Hole { path, late });
    let ran = ran(job, Limits::default(), Told::default());
    let Ask::Begin(call) = &ran.world.calls[1].1.ask else { panic!("a begin") };
    assert_eq!(call.payload.as_ref().expect("a body").desired.body["number"], json!("/s0"));
}

#[test]
fn a_hole_that_cannot_be_filled_fails_its_step_and_no_call_is_made() {
    let mut job = creates(2, &[(0, 1)]);
    let late = kfplan_model::Late {
        template: "${azure_resource.q.id}".into(),
        waits: ["azure_resource.q".parse().expect("one")].into(),
    };
    let path: kfplan_model::Path = "/number".parse().expect("a path");
    job.steps[0].payload.as_mut().expect("a body").desired.holes.push(Hole { path, late });
    let ran = ran(job, Limits::default(), Told::default());
    assert_eq!(
        ran.text(),
        "0 s0 started Create\n0 s0 failed: the output `id` is missing\n0 s1 skipped for azure_resource.s0"
    );
    assert_eq!((ran.world.calls.len(), ran.outcome.exit()), (0, 1));
}

#[test]
fn a_job_that_does_not_fit_its_plan_is_refused() {
    let mut job = creates(2, &[]);
    job.steps.pop();
    assert_eq!(
        Core::new(job, Limits::default()).expect_err("one is missing").to_string(),
        "the plan has 2 steps, and 1 are prepared"
    );
    let mut job = creates(1, &[]);
    job.steps[0].payload = None;
    let error = Core::new(job, Limits::default()).expect_err("no body");
    assert_eq!(error.to_string(), "the step for `azure_resource.s0` is not prepared: its body is missing");
    assert!(matches!(Core::new(creates(2, &[(0, 1), (1, 0)]), Limits::default()), Err(JobError::Edges(_))));
}
