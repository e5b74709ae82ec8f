//! The prompt of `digits-rs th`: lines with history and completion on a terminal, plain lines from a pipe.

use std::{
    cell::RefCell,
    fs,
    io::{BufRead, IsTerminal},
    path::PathBuf,
    rc::Rc,
    time::Instant,
};

use rustyline::{
    CompletionType, Config, Context, Editor, Helper, completion::Completer, error::ReadlineError,
    highlight::Highlighter, hint::Hinter, history::FileHistory, validate::Validator,
};

use crate::{
    cli::{report, signals},
    error::{Error, Kind, Result},
    frontend::lua::{Evaluated, Shell, interrupt},
};

const FIRST: &str = "th> ";
const FURTHER: &str = "..> ";

/// Lines that are kept between sessions.
const REMEMBERED: usize = 2000;

/// Completion by asking the shell.
struct Names(Rc<Shell>);

impl Completer for Names {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.0.complete(&line[..at]))
    }
}

impl Hinter for Names {
    type Hint = String;
}
impl Highlighter for Names {}
impl Validator for Names {}
impl Helper for Names {}

/// Reads and runs lines until the end of the input.
///
/// # Errors
/// When the terminal cannot be used.
pub(super) fn run(shell: Rc<Shell>) -> Result<()> {
    if !std::io::stdin().is_terminal() {
        return from_pipe(&shell);
    }
    let failed = |source: ReadlineError| Error::new(Kind::Io, format!("the terminal cannot be used: {source}"));
    let config = Config::builder().completion_type(CompletionType::List).auto_add_history(false);
    let config = config.max_history_size(REMEMBERED).map_err(failed)?.build();
    let mut editor: Editor<Names, FileHistory> = Editor::with_config(config).map_err(failed)?;
    editor.set_helper(Some(Names(Rc::clone(&shell))));
    let history = history_file();
    if let Some(path) = &history {
        let _ = editor.load_history(path); // there is none in the first session
    }
    // At the prompt the editor sees Ctrl-C itself; while code runs it ends the code.
    signals::on(&[libc::SIGINT], |_| interrupt())?;
    report::line("digits-rs th: Torch7 on today's libtorch. Ctrl-D leaves, Tab completes.");
    let mut typed = Typed::default();
    loop {
        match editor.readline(if typed.is_empty() { FIRST } else { FURTHER }) {
            Ok(line) => {
                // What is pasted may be several lines: each counts as typed.
                for line in line.split('\n') {
                    let start = Instant::now();
                    let Some(whole) = typed.add(&shell, line) else { continue };
                    let _ = editor.add_history_entry(whole.trim_end());
                    report::line(&format!("{:>70}[{:.4}s]", "", start.elapsed().as_secs_f64()));
                }
            }
            Err(ReadlineError::Interrupted) => typed = Typed::default(),
            Err(ReadlineError::Eof) => break,
            Err(source) => return Err(failed(source)),
        }
    }
    if let Some(path) = &history {
        let _ = path.parent().map(fs::create_dir_all);
        let _ = editor.save_history(path); // a session without history is no failure
    }
    Ok(())
}

fn from_pipe(shell: &Shell) -> Result<()> {
    let typed = Typed::default();
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|source| Error::new(Kind::Io, format!("cannot read standard input: {source}")))?;
        typed.add(shell, &line);
    }
    typed.finish(shell);
    Ok(())
}

/// The lines of a piece of code that is not whole yet.
#[derive(Default)]
struct Typed(RefCell<String>);

impl Typed {
    fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Adds a line; runs the code and answers it when it is whole.
    fn add(&self, shell: &Shell, line: &str) -> Option<String> {
        if self.is_empty() && line.trim().is_empty() {
            return None;
        }
        self.0.borrow_mut().push_str(line);
        self.0.borrow_mut().push('\n');
        let text = self.0.borrow().clone();
        match shell.evaluate(&text) {
            Ok(Evaluated::Incomplete) => return None,
            Ok(Evaluated::Shown(shown)) => report::line(&shown),
            Ok(Evaluated::Nothing) => {}
            Err(page) => report::page(&page),
        }
        Some(self.0.take())
    }

    /// The input ends: what is still there is wrong.
    fn finish(&self, shell: &Shell) {
        if !self.is_empty()
            && let Err(page) = shell.run_code("<typed>", &self.0.take())
        {
            report::page(&page);
        }
    }
}

/// `$XDG_STATE_HOME/digits-rs/th_history`.
pub(super) fn history_file() -> Option<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    state.or_else(home).map(|folder| folder.join("digits-rs").join("th_history"))
}
