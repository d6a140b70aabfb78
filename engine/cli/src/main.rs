//! The binary `kfplan`: parse, call the session, show, and pick an exit.
//!
//! One file a subcommand, under [`commands`]. Data goes to stdout, the rest to
//! stderr. Nothing is decided here but how things are shown.

mod args;
mod commands;
mod interrupt;
mod live;
mod ui;

use std::process::ExitCode;

use clap::Parser as _;
use kfplan_session::Exit;

use crate::args::Arguments;
use crate::ui::Ui;

/// Plans are made of hundreds of thousands of small strings and maps, which the C library's allocator slows down the more
/// the longer a heap has lived.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // A panic is a bug; it must neither show values nor look like another exit.
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(|place| format!("{}:{}", place.file(), place.line())).unwrap_or_default();
        ui::complain(&format!(
            "kfplan stopped on a bug of its own at {place}; nothing that was recorded is lost. Please report it with that place"
        ));
    }));
    let mut arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are answers, not errors.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            // A closed pipe is the reader's choice.
            let _ = error.print();
            return exit.into();
        }
    };
    arguments.global.sandbox |= arguments.global.sandbox_cluster.is_some();
    let ui = Ui::new(&arguments.global);
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| commands::run(&ui, arguments))) {
        Ok(exit) => exit.into(),
        Err(_) => Exit::Failed.into(),
    }
}
