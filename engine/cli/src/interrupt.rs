//! SIGINT and SIGTERM: the first stops issuing, the second ends the process at once.

use std::time::{Duration, Instant};

use kfplan_session::{Exit, Interrupt};

/// Signals this close together are one: runners signal the process and its group.
const SAME: Duration = Duration::from_millis(300);

/// Listens for both signals. What it gives is raised by the first one.
pub(crate) fn listen() -> Interrupt {
    let interrupt = Interrupt::new();
    let raised = interrupt.clone();
    tokio::spawn(async move {
        let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(terminate) => terminate,
            Err(_) => return,
        };
        let mut first: Option<Instant> = None;
        loop {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            if let Some(first) = first {
                if first.elapsed() < SAME {
                    continue;
                }
                // Every call was recorded before it was made, so ending here loses nothing.
                std::process::exit(Exit::Interrupted as i32);
            }
            first = Some(Instant::now());
            crate::ui::complain("interrupted: no new step is begun; what runs is recorded (again to end at once)");
            raised.raise();
        }
    });
    interrupt
}
