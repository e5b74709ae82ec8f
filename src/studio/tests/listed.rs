//! A list of images that a client named, as the process that tests them gets it: every path below the allowed folders.

use std::path::{Path, PathBuf};

use axum::http::StatusCode;

use crate::{
    data::list_line,
    error::{Error, Kind},
    input::{self, Form},
    job,
    studio::{
        app::App,
        refusal::{Answer, Refusal},
    },
};

/// What a client says of a list.
pub(super) struct Listed<'a> {
    /// A text file or a folder of images: a path, or `upload:<id>`.
    pub(super) list: &'a str,
    /// What the relative paths of a text file start from.
    pub(super) folder: Option<&'a str>,
    /// So many of its images at most.
    pub(super) limit: Option<usize>,
}

impl Listed<'_> {
    /// The path of the list that is tested: of a text file a copy in `out` with whole paths.
    ///
    /// # Errors
    /// 403 when it names something outside the allowed folders; 400 for a limit of none, and for what a folder of images
    /// cannot have.
    pub(super) fn prepare(&self, app: &App, out: &Path) -> Answer<PathBuf> {
        let path = app.named(self.list)?;
        let folder = self.folder.filter(|folder| !folder.trim().is_empty());
        if self.limit == Some(0) {
            return Err(Refusal::usage("limit is 0: it must be a whole number of at least 1"));
        }
        if path.is_dir() {
            return match (folder, self.limit) {
                (None, None) => Ok(path),
                (Some(_), _) => Err(Refusal::usage("folder goes with a text list: this list is a folder itself")),
                (None, Some(_)) => Err(Refusal::usage("limit goes with a text list: a folder is tested as a whole")),
            };
        }
        let start = match folder {
            Some(folder) => app.roots.resolve(folder)?,
            // An upload lies where no image does.
            None if self.list.starts_with("upload:") => app.root.clone(),
            None => path.parent().map(PathBuf::from).unwrap_or_default(),
        };
        let text = input::read_text(&path, Form::List)?;
        let lines = list_line::lines(&text).take(self.limit.unwrap_or(usize::MAX));
        let whole =
            lines.map(|(number, line)| with_whole_path(app, number, line, &start)).collect::<Answer<Vec<_>>>()?;
        let prepared = out.join("list.txt");
        job::replace(&prepared, (whole.join("\n") + "\n").as_bytes())?;
        app.uploads.names().call(&prepared, &app.given(self.list));
        Ok(prepared)
    }
}

/// The line with its path resolved; one that leads to nothing stays: the test says so.
fn with_whole_path(app: &App, number: usize, line: &str, start: &Path) -> Answer<String> {
    let place = |path: &str| list_line::place(path, start).ok();
    let (path, word) = match place(list_line::unquoted(line)).filter(|whole| whole.is_file()) {
        Some(whole) => (Some(whole), None),
        None => {
            let (path, word) = list_line::split(line);
            (place(path), word)
        }
    };
    let Some(path) = path else { return Ok(line.to_string()) };
    let path = match app.roots.resolve(&path.to_string_lossy()) {
        Ok(resolved) => resolved,
        Err(refusal) if refusal.status == StatusCode::FORBIDDEN => {
            let page = Error::new(Kind::Usage, format!("line {number} of the list is outside the allowed folders"))
                .with_fact("it is", line)
                .with_help("start the server with --allow DIR to add a folder, or name the folder of the images");
            return Err(Refusal::forbidden(&page));
        }
        Err(_) => path,
    };
    let path = path.to_string_lossy();
    let quote = if path.contains('"') { '\'' } else { '"' };
    Ok(format!("{quote}{path}{quote}{}", word.map_or_else(String::new, |word| format!(" {word}"))))
}
