//! What is written before and after a call.

use kfplan_plan::Replaced;

use super::*;

#[test]
fn a_create_is_intended_before_it_is_called_and_settled_after() {
    let ran = ran(creates(1, &[]), Limits::default(), Told::default());
    assert_eq!(
        ran.journal.text(),
        "azure_resource.s0 started Create\n\
         intended Create of /s0 with a body; record at /s0 uid -\n\
         settled at /s0 uid uid0\n\
         azure_resource.s0 done\n"
    );
}

#[test]
fn an_update_keeps_the_old_record_until_it_is_done() {
    let mut job = creates(1, &[]);
    alter(&mut job, 0, |change| change.action = Action::Update);
    job.steps[0].before = Some(Box::new(record(0, Some("old"))));
    let ran = ran(job, Limits::default(), Told::default());
    assert!(ran.journal.text().contains("intended Update of /s0 with a body; record at /s0 uid old\nsettled"));
}

#[test]
fn a_refused_create_leaves_no_record_and_a_refused_delete_leaves_the_old_one() {
    let refused = || Told::default().answer(0, [Reply::In(1, failed(Class::Permanent))]);
    let create = ran(creates(1, &[]), Limits::default(), refused());
    assert!(create.journal.text().contains("removed azure_resource.s0\nazure_resource.s0 failed"));
    let delete = works(vec![Work::Change(Box::new(change(Action::Delete, 0)))], &[]);
    let delete = ran(delete, Limits::default(), refused());
    assert!(
        delete.journal.text().contains("settled at /s0 uid old\nazure_resource.s0 failed"),
        "{}",
        delete.journal.text()
    );
}

#[test]
fn a_create_that_was_refused_after_an_unclear_try_stays_in_doubt() {
    let answers = [Reply::In(1, failed(Class::Retryable)), Reply::In(1, failed(Class::Permanent))];
    let ran = ran(creates(1, &[]), Limits::default(), Told::default().answer(0, answers));
    assert!(ran.journal.intends(0, Action::Create), "{}", ran.journal.text());
    assert_eq!((ran.outcome.in_doubt, ran.outcome.changed), (vec![0], true));
}

#[test]
fn a_delete_ends_with_no_record() {
    let job = works(vec![Work::Change(Box::new(change(Action::Delete, 0)))], &[]);
    let ran = ran(job, Limits::default(), Told::default());
    assert_eq!(
        ran.journal.text(),
        "azure_resource.s0 started Delete\n\
         intended Delete of /s0; record at /s0 uid old\n\
         removed azure_resource.s0\n\
         azure_resource.s0 done\n"
    );
}

#[test]
fn what_was_in_a_deleted_container_is_forgotten_with_it() {
    for action in [Action::Delete, Action::Replace] {
        let mut job = works(vec![Work::Change(Box::new(change(action, 0)))], &[]);
        job.steps[0].contents = vec!["thing.inside".parse().expect("an address")];
        let text = ran(job, Limits::default(), Told::default()).journal.text();
        assert!(text.contains("uid old\nremoved thing.inside\nremoved azure_resource.s0\n"), "{text}");
        assert_eq!(text.matches("thing.inside").count(), 1);
    }
}

#[test]
fn a_replacement_deletes_and_then_creates_each_with_its_intent() {
    let job = works(vec![Work::Change(Box::new(change(Action::Replace, 0)))], &[]);
    let ran = ran(job, Limits::default(), Told::default());
    assert_eq!(
        ran.journal.text(),
        "azure_resource.s0 started Replace\n\
         intended Delete of /s0; record at /s0 uid old\n\
         removed azure_resource.s0\n\
         azure_resource.s0 started Create\n\
         intended Create of /s0 with a body; record at /s0 uid -\n\
         settled at /s0 uid uid0\n\
         azure_resource.s0 done\n"
    );
    let preconditions: Vec<_> = ran
        .world
        .calls
        .iter()
        .map(|(_, request)| match &request.ask {
            Ask::Begin(call) => (call.precondition.clone(), call.payload.is_some()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(preconditions, [(Precondition::Anything, false), (Precondition::Absent, true)]);
}

fn created_first() -> Job {
    let mut job = works(vec![Work::Change(Box::new(change(Action::Replace, 0)))], &[]);
    alter(&mut job, 0, |change| {
        change.replaced = Some(Box::new(Replaced {
            locator: locator("old"),
            precondition: Precondition::Anything,
            create_first: true,
        }));
    });
    job.steps[0].before.as_mut().expect("a record").locator = locator("old");
    job
}

#[test]
fn a_replacement_that_creates_first_records_both_things_at_every_moment() {
    let ran = ran(created_first(), Limits::default(), Told::default());
    assert_eq!(
        ran.journal.text(),
        "azure_resource.s0 started Replace\n\
         intended Create of /s0 with a body; record at /old uid old\n\
         intended Delete of /old; record at /s0 uid uid0\n\
         azure_resource.s0 started Delete\n\
         settled at /s0 uid uid0\n\
         azure_resource.s0 done\n"
    );
}

#[test]
fn an_old_thing_that_cannot_go_is_not_forgotten() {
    let answers = [Reply::In(1, done(0)), Reply::In(1, failed(Class::Permanent))];
    let ran = ran(created_first(), Limits::default(), Told::default().answer(0, answers));
    assert!(ran.journal.intends(0, Action::Delete), "{}", ran.journal.text());
    assert_eq!((ran.outcome.exit(), ran.outcome.in_doubt), (3, vec![0]));
}

#[test]
fn forgetting_and_refreshing_call_nobody() {
    let steps = [Action::Forget, Action::Refresh].into_iter().enumerate();
    let steps = steps.map(|(place, action)| Work::Change(Box::new(change(action, place)))).collect();
    let ran = ran(works(steps, &[(0, 1)]), Limits::default(), Told::default());
    assert_eq!(
        ran.journal.text(),
        "azure_resource.s0 started Forget\nremoved azure_resource.s0\nazure_resource.s0 done\n\
         azure_resource.s1 started Refresh\nsettled at /s1 uid -\nazure_resource.s1 done\n"
    );
    assert!(ran.world.calls.is_empty());
}

#[test]
fn no_secret_reaches_the_journal() {
    let mut job = creates(1, &[]);
    job.steps[0].secret_outputs = BTreeSet::from(["id".to_owned()]);
    let mut answer = applied(0);
    answer.outputs.insert("id".to_owned(), json!("hunter3"));
    answer.outputs.insert("name".to_owned(), json!("n"));
    let difference = |path: &str, value| Difference { path: path.parse().expect("a path"), value: Some(value) };
    answer.differences = vec![
        difference("/secret", json!("hunter4")),
        difference("/secret/deep", json!({ "deeper": "hunter5" })),
        difference("", json!({ "secret": "hunter6", "number": 1 })),
        difference("/number", json!("1")),
    ];
    let answer = Answer::Progress(Progress::Done(Box::new(answer)));
    let ran = ran(job, Limits::default(), Told::default().answer(0, [Reply::In(0, answer)]));
    let text = serde_json::to_string(&ran.journal.all()).expect("JSON");
    assert!(!text.contains("hunter"), "{text}");
    let all = ran.journal.all();
    let Some(Entry::Settled { record }) = all.get(2) else { panic!("{all:?}") };
    assert_eq!(record.outputs, [("name".to_owned(), json!("n"))].into());
    assert_eq!(record.differences[3].value, Some(json!("1")));
    let Some(Entry::Intended { sent: Some(sent), record: intended }) = all.get(1) else { panic!("{all:?}") };
    assert_eq!(record.sent, Some(kfplan_plan::Digest::of_json(sent.body())));
    let RecordState::InDoubt(intent) = &intended.state else { panic!("in doubt") };
    assert_eq!((&intent.sent, &intended.sent), (&record.sent, &None));
    assert_eq!(ran.outcome.outputs[&name(0)]["id"], json!("hunter3"), "others may still need it");
}
