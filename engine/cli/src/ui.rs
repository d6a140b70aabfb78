//! Where things are shown, and how.

use std::io::{IsTerminal as _, Write as _};

use kfplan_session::{Exit, SessionError};
use kfplan_view::{Paint, TextOptions};

use crate::args::{Global, When};

/// The terminal or pipes of this process.
#[derive(Debug)]
pub(crate) struct Ui {
    paint: Paint,
    paint_err: Paint,
    interactive: bool,
}

impl Ui {
    pub(crate) fn new(global: &Global) -> Self {
        let quiet = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let paint = |terminal: bool| match global.color {
            When::Always => Paint::Ansi,
            When::Never => Paint::Plain,
            When::Auto if terminal && !quiet => Paint::Ansi,
            When::Auto => Paint::Plain,
        };
        let (out, err) = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
        let colour = paint(err) == Paint::Ansi;
        // The only caller, so the hook is not set yet.
        let _ = miette::set_hook(Box::new(move |_| {
            let theme =
                if colour { miette::GraphicalTheme::unicode() } else { miette::GraphicalTheme::unicode_nocolor() };
            Box::new(miette::GraphicalReportHandler::new_themed(theme).with_width(100).with_links(false))
        }));
        Self { paint: paint(out), paint_err: paint(err), interactive: std::io::stdin().is_terminal() && err }
    }

    /// How text for stdout is painted.
    pub(crate) fn text(&self, full: bool) -> TextOptions {
        TextOptions { paint: self.paint, full }
    }

    /// How text for stderr is painted.
    pub(crate) fn paint_err(&self) -> Paint {
        self.paint_err
    }

    /// Whether somebody is there to be asked and to watch.
    pub(crate) fn is_interactive(&self) -> bool {
        self.interactive
    }

    /// Data, to stdout. A reader that went away is no error.
    pub(crate) fn data(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// All else, to stderr.
    pub(crate) fn say(&self, line: &str) {
        complain(line);
    }

    /// An error, and the exit that it means.
    pub(crate) fn fail(&self, error: SessionError) -> Exit {
        let exit = error.exit();
        complain(&format!("{:?}", miette::Report::new(error)));
        exit
    }

    /// A mistake in how the command was called.
    pub(crate) fn usage(&self, what: &str, help: &str) -> Exit {
        complain(&format!("error: {what}\n  → {help}"));
        Exit::Usage
    }

    /// Asks until `wanted` is typed; anything else is a no.
    pub(crate) fn ask(&self, question: &str, wanted: &str) -> bool {
        let mut err = std::io::stderr().lock();
        let _ = write!(err, "{question} ").and_then(|()| err.flush());
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).is_ok() && answer.trim() == wanted
    }
}

/// A line to stderr. A reader that went away is no error.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
