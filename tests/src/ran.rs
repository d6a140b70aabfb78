//! What a command came to.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

/// What a command came to.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; -1 when a signal ended it.
    pub exit: i32,
    /// What it wrote to stdout.
    pub out: String,
    /// What it wrote to stderr.
    pub err: String,
    line: String,
}

impl Ran {
    /// Runs a command to its end.
    ///
    /// # Panics
    ///
    /// When it cannot be started, or does not end within two minutes.
    pub(crate) fn of(mut command: Command) -> Self {
        let words: Vec<String> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        let line = format!("kfplan {}", words.join(" "));
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the built binary can be started");
        let out = child.stdout.take().map(reader).expect("stdout is piped");
        let err = child.stderr.take().map(reader).expect("stderr is piped");
        let status = wait(&mut child, &line);
        let text = |thread: JoinHandle<Vec<u8>>| {
            String::from_utf8_lossy(&thread.join().expect("a reader that ends")).into_owned()
        };
        Self { exit: status.code().unwrap_or(-1), out: text(out), err: text(err), line }
    }
    /// The same, if it ended with this exit code.
    ///
    /// # Panics
    ///
    /// With all that it said, when it ended with another.
    #[must_use]
    pub fn exits(self, code: i32) -> Self {
        assert!(
            self.exit == code,
            "`{}` exited {}, expected {code}\n--- stdout\n{}\n--- stderr\n{}",
            self.line,
            self.exit,
            self.out,
            self.err
        );
        self
    }

    /// The same, if it says this text on either output.
    ///
    /// # Panics
    ///
    /// With all that it said, when it has not.
    #[must_use]
    pub fn says(self, text: &str) -> Self {
        assert!(
            self.out.contains(text) || self.err.contains(text) || unfolded(&self.err).contains(text),
            "`{}` does not say `{text}`\n--- stdout\n{}\n--- stderr\n{}",
            self.line,
            self.out,
            self.err
        );
        self
    }

    /// The same, if neither output has this text.
    ///
    /// # Panics
    ///
    /// With all that it said, when one has it.
    #[must_use]
    pub fn is_silent_on(self, text: &str) -> Self {
        assert!(
            !self.out.contains(text) && !self.err.contains(text),
            "`{}` says `{text}`\n--- stdout\n{}\n--- stderr\n{}",
            self.line,
            self.out,
            self.err
        );
        self
    }
}

/// A report with its folded lines joined again.
fn unfolded(text: &str) -> String {
    text.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn reader(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before the pipe broke is what there is.
        let _ = pipe.read_to_end(&mut bytes);
        bytes
    })
}

fn wait(child: &mut Child, line: &str) -> ExitStatus {
    let mut ended = None;
    let done = crate::shared::within(Duration::from_secs(120), || {
        ended = child.try_wait().expect("a child of this process");
        ended.is_some()
    });
    if !done {
        // It is failed below in any case.
        let _ = child.kill();
    }
    ended.unwrap_or_else(|| panic!("`{line}` does not end"))
}
