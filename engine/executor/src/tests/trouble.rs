//! What goes wrong, and what goes on all the same.

use super::*;

#[test]
fn independent_branches_go_on_and_dependents_are_skipped_with_the_cause() {
    let job = creates(5, &[(0, 1), (1, 2), (3, 4)]);
    let ran = ran(job, Limits::default(), Told::default().answer(0, [Reply::In(10, failed(Class::Permanent))]));
    assert_eq!(
        ran.text(),
        "0 s0 started Create\n0 s3 started Create\n10 s0 failed: it did not work\n10 s1 skipped for azure_resource.s0\n10 s2 skipped for azure_resource.s0\n100 s3 done\n100 s4 started Create\n200 s4 done"
    );
    assert_eq!(ran.outcome.exit(), 3);
    assert_eq!(ran.outcome.troubles[&0].code, "Code");
}

#[test]
fn what_can_help_is_tried_again_later_and_later_and_what_cannot_is_not() {
    let world = Told::default().answer(0, (0..6).map(|_| Reply::In(0, failed(Class::Retryable))));
    let ran_once = ran(creates(1, &[]), Limits::default(), world);
    let tries: Vec<u64> = ran_once.world.calls.iter().map(|(at, _)| *at).collect();
    let gaps: Vec<u64> = tries.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (gap, most) in gaps.iter().zip([500, 1_000, 2_000, 4_000, 8_000, 16_000]) {
        assert!((most / 2..=most).contains(gap), "{gap} of at most {most}");
    }
    assert_eq!((gaps.len(), ran_once.outcome.exit()), (6, 0));
    for class in [Class::Permanent, Class::Conflict, Class::Quota, Class::Auth] {
        let ran = ran(creates(1, &[]), Limits::default(), Told::default().answer(0, [Reply::In(3, failed(class))]));
        assert_eq!((ran.world.calls.len(), ran.outcome.exit()), (1, 1), "{class:?}");
    }
}

#[test]
fn equal_seeds_give_equal_runs_and_others_do_not() {
    let run = |seed| {
        let world = Told::default().answer(0, (0..4).map(|_| Reply::In(0, failed(Class::Retryable))));
        ran(creates(1, &[]), Limits { seed, ..Limits::default() }, world).text()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn nothing_is_tried_beyond_the_timeout() {
    let mut job = creates(2, &[(0, 1)]);
    alter(&mut job, 0, |change| change.timeout = 60);
    let world = Told::default().answer(0, (0..100).map(|_| Reply::In(0, failed(Class::Retryable))));
    let ran = ran(job, Limits::default(), world);
    assert!(matches!(ran.end, End::Over(at) if at < 60_000), "{:?}", ran.end);
    assert!(ran.text().contains("s0 failed: it did not work"), "{}", ran.text());
    assert_eq!(ran.outcome.in_doubt, [0]);
}

#[test]
fn what_is_not_done_in_time_fails_and_stays_in_doubt() {
    let mut job = creates(1, &[]);
    alter(&mut job, 0, |change| change.timeout = 10);
    let world = Told::default().answer(0, (0..50).map(|_| Reply::In(0, busy(0, 1_000))));
    let first = ran(job, Limits::default(), world);
    assert!(first.text().ends_with("10000 s0 failed: not done within 10 s: provisioning"), "{}", first.text());
    assert!(first.journal.intends(0, Action::Create), "{}", first.journal.text());
    assert_eq!((first.outcome.in_doubt, first.outcome.changed), (vec![0], true));

    let mut job = creates(2, &[]);
    alter(&mut job, 0, |change| change.timeout = 10);
    let mut world = Told::default().answer(0, [Reply::In(15_000, done(0))]);
    world.expected = [(1, 20_000)].into();
    let late = ran(job, Limits::default(), world);
    assert!(late.text().contains("10000 s0 failed: not done within 10 s"), "{}", late.text());
    assert!(
        late.journal.text().contains("settled at /s0 uid uid0"),
        "a late answer is recorded: {}",
        late.journal.text()
    );
    assert!(late.outcome.in_doubt.is_empty());
}

#[test]
fn a_gate_that_never_opens_fails_with_what_it_waited_for() {
    let closed = || Reply::In(0, Answer::Gate(Ok(GateState::Closed("2 of 3 pods".to_owned()))));
    let first =
        ran(works(vec![gate(30)], &[]), Limits::default(), Told::default().answer(0, (0..99).map(|_| closed())));
    assert!(first.text().ends_with("30000 s0 failed: not done within 30 s: 2 of 3 pods"), "{}", first.text());
    let broken = Answer::Gate(Ok(GateState::Broken("the image does not exist".to_owned())));
    let second = ran(works(vec![gate(30)], &[]), Limits::default(), Told::default().answer(0, [Reply::In(0, broken)]));
    assert_eq!(second.text(), "0 s0 started\n0 s0 failed: the image does not exist");
    let unverified = Answer::Gate(Ok(GateState::OpenUnverified("no node".to_owned())));
    let third =
        ran(works(vec![gate(30)], &[]), Limits::default(), Told::default().answer(0, [Reply::In(0, unverified)]));
    assert_eq!(third.text(), "0 s0 started\n0 s0 done: no node");
}

#[test]
fn a_throttled_service_is_left_alone_and_then_asked_less() {
    let limits = Limits { arm: 8, ..Limits::default() };
    let world = (0..8).fold(Told::default(), |world, step| world.answer(step, [Reply::In(1, throttled(5_000))]));
    let ran = ran(creates(24, &[]), limits, world);
    let after: Vec<u64> = ran.world.calls.iter().map(|(at, _)| *at).filter(|at| *at > 0).collect();
    assert_eq!(after.first(), Some(&5_001), "it is left alone as long as it asked");
    assert_eq!(after.iter().filter(|at| **at == 5_001).count(), 4, "half as many at once");
    assert_eq!(after.iter().filter(|at| **at == 5_101).count(), 5, "one more after each round that is taken");
    assert_eq!(ran.outcome.exit(), 0);
}

#[test]
fn a_limit_halves_once_for_calls_that_were_under_way_together_and_recovers() {
    let mut lane = crate::lane::Lane::new(8);
    lane.throttled(10, 100);
    lane.throttled(11, 100);
    lane.throttled(12, 50);
    assert_eq!((lane.limit(), lane.is_open(110), lane.is_open(111)), (4, false, true));
    (0..200).for_each(|_| lane.took());
    assert_eq!(lane.limit(), 8);
}

#[test]
fn a_moved_world_stops_its_step_and_nothing_is_in_doubt() {
    let mut job = creates(2, &[(0, 1)]);
    alter(&mut job, 0, |change| change.action = Action::Update);
    job.steps[0].before = Some(Box::new(record(0, Some("old"))));
    let stale = Answer::Progress(Progress::Stale { moved: vec!["/a: 1 → 2".to_owned()] });
    let ran = ran(job, Limits::default(), Told::default().answer(0, [Reply::In(5, stale)]));
    assert_eq!(ran.text(), "0 s0 started Update\n5 s0 stale: /a: 1 → 2\n5 s1 skipped for azure_resource.s0");
    assert!(ran.journal.text().contains("settled at /s0 uid old"), "{}", ran.journal.text());
    assert_eq!((ran.outcome.exit(), ran.outcome.in_doubt.len()), (4, 0));
}

#[test]
fn an_operation_that_is_lost_is_begun_again() {
    let answers =
        [Reply::In(0, busy(0, 100))].into_iter().chain((0..4).map(|_| Reply::In(0, failed(Class::Retryable))));
    let ran = ran(creates(1, &[]), Limits::default(), Told::default().answer(0, answers));
    let begins = ran.world.calls.iter().filter(|(_, request)| matches!(request.ask, Ask::Begin(_))).count();
    assert_eq!((begins, ran.outcome.exit()), (2, 0));
}

#[test]
fn an_interrupt_stops_what_was_not_begun_and_leaves_what_is_under_way_in_doubt() {
    let job = creates(5, &[(0, 3), (1, 4)]);
    let mut world = Told::default().answer(0, (0..9).map(|_| Reply::In(10, busy(0, 60_000))));
    world = world.answer(1, [Reply::In(1_500, done(1))]).answer(2, [Reply::Never]);
    let script = Script { begins: 0, interrupts: vec![1_000] };
    let ran = ran_with(job, Limits::default(), world, &script, Entries::default());
    assert_eq!(
        ran.text(),
        "0 s0 started Create\n0 s1 started Create\n0 s2 started Create\n10 s0 waits: provisioning\n1000 s0 interrupted\n1000 s3 interrupted\n1000 s4 interrupted\n1500 s1 done\n3000 s2 interrupted"
    );
    assert_eq!((ran.end, ran.outcome.exit()), (End::Over(3_000), 130));
    assert_eq!(ran.outcome.in_doubt, [0, 2]);
    assert!(ran.journal.intends(0, Action::Create) && ran.journal.intends(2, Action::Create));
}

#[test]
fn a_second_interrupt_waits_for_nothing() {
    let script = Script { begins: 0, interrupts: vec![1_000, 1_001] };
    let world = Told::default().answer(0, [Reply::Never]);
    let ran = ran_with(creates(1, &[]), Limits::default(), world, &script, Entries::default());
    assert_eq!((ran.end, ran.outcome.in_doubt), (End::Over(1_001), vec![0]));
}

#[test]
fn what_the_service_refused_for_now_is_not_in_doubt_after_an_interrupt() {
    let script = Script { begins: 0, interrupts: vec![1_000] };
    let world = Told::default().answer(0, [Reply::In(1, throttled(5_000))]);
    let ran = ran_with(creates(1, &[]), Limits::default(), world, &script, Entries::default());
    assert!(ran.journal.text().contains("removed azure_resource.s0\n"), "{}", ran.journal.text());
    assert_eq!((ran.outcome.in_doubt.len(), ran.outcome.changed), (0, false));
}

#[test]
fn when_nothing_can_be_recorded_nothing_is_begun() {
    let job = creates(3, &[(0, 1)]);
    let journal = Entries(Arc::default(), Some(0));
    let first = ran_with(job, Limits::default(), Told::default(), &Script::default(), journal);
    assert_eq!((first.world.calls.len(), first.events.len(), first.outcome.exit()), (0, 0, 1));
    assert!(first.outcome.unrecorded.as_deref().is_some_and(|reason| reason.contains("it is full")));

    let journal = Entries(Arc::default(), Some(3));
    let second = ran_with(creates(2, &[(0, 1)]), Limits::default(), Told::default(), &Script::default(), journal);
    assert_eq!((second.world.calls.len(), second.outcome.exit()), (2, 3));
    assert!(second.outcome.statuses.contains(&Status::Interrupted));
}
