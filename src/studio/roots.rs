//! `Roots`: the folders that a client may name things in, links resolved.

use std::path::{Component, Path, PathBuf};

use super::refusal::{Answer, Refusal};
use crate::error::{Error, Kind};

/// The allowed folders, resolved.
#[derive(Debug, Clone)]
pub(crate) struct Roots(Vec<PathBuf>);

impl Roots {
    /// These folders; one that is not there is left out.
    #[must_use]
    pub(crate) fn new(folders: impl IntoIterator<Item = PathBuf>) -> Roots {
        let mut roots: Vec<PathBuf> = folders.into_iter().filter_map(|folder| folder.canonicalize().ok()).collect();
        roots.dedup();
        Roots(roots)
    }

    /// The folders.
    #[must_use]
    pub(crate) fn folders(&self) -> &[PathBuf] {
        &self.0
    }

    /// A path that a client names, resolved. A relative one starts at the first folder.
    ///
    /// # Errors
    /// 403 when it lies elsewhere, 400 when it is empty or nothing is there.
    pub(crate) fn resolve(&self, named: &str) -> Answer<PathBuf> {
        if named.trim().is_empty() || named.contains('\0') {
            return Err(Refusal::usage("a path is empty"));
        }
        let path = self.0.first().map_or_else(|| PathBuf::from(named), |root| root.join(named.trim()));
        // What is not there is looked for in its folder: that it is outside is said before that it is missing.
        let mut above = path.as_path();
        let resolved = loop {
            match above.canonicalize() {
                Ok(found) => break found,
                Err(_) => match above.parent() {
                    Some(parent) => above = parent,
                    None => return Err(self.outside(named)),
                },
            }
        };
        let climbs = path.components().any(|part| part == Component::ParentDir) && resolved != path;
        if !self.contains(&resolved) || (climbs && !path.exists()) {
            return Err(self.outside(named));
        }
        if above != path {
            let page = Error::new(Kind::Usage, format!("there is nothing at {named}")).with_help("check the path");
            return Err(Refusal::from(page));
        }
        Ok(resolved)
    }

    /// Whether a resolved path lies below one of the folders.
    #[must_use]
    pub(crate) fn contains(&self, resolved: &Path) -> bool {
        self.0.iter().any(|root| resolved.starts_with(root))
    }

    fn outside(&self, named: &str) -> Refusal {
        let roots: Vec<String> = self.0.iter().map(|root| root.display().to_string()).collect();
        Refusal::forbidden(
            &Error::new(Kind::Usage, format!("{named} is outside the folders that the server may look into"))
                .with_fact("they are", roots.join("\n"))
                .with_help("start the server with --allow DIR to add a folder"),
        )
    }
}

/// A file below `folder` by a relative path of a client: no `..`, no link that leads out.
///
/// # Errors
/// 403 when it leads out, 404 when it is not there or is no file.
pub(crate) fn file_below(folder: &Path, name: &str) -> Answer<PathBuf> {
    let missing = || Refusal::not_found("file", name);
    let path = Path::new(name);
    if name.is_empty() || path.components().any(|part| !matches!(part, Component::Normal(_))) {
        return Err(missing());
    }
    let folder = folder.canonicalize().map_err(|_| missing())?;
    let resolved = folder.join(path).canonicalize().map_err(|_| missing())?;
    if !resolved.starts_with(&folder) {
        return Err(Refusal::forbidden(&Error::new(Kind::Usage, format!("{name} leads out of its folder"))));
    }
    if resolved.is_file() { Ok(resolved) } else { Err(missing()) }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    #[test]
    fn links_and_dots_do_not_lead_out() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        std::fs::create_dir_all(root.join("inside")).unwrap();
        std::fs::write(dir.path().join("secret"), "x").unwrap();
        std::fs::write(root.join("inside/a.txt"), "x").unwrap();
        std::os::unix::fs::symlink(dir.path().join("secret"), root.join("link")).unwrap();
        std::os::unix::fs::symlink(dir.path(), root.join("up")).unwrap();
        let roots = Roots::new([root.clone()]);
        let status = |named: &str| roots.resolve(named).map_err(|refusal| refusal.status);
        assert!(status("inside/a.txt").unwrap().ends_with("root/inside/a.txt"));
        assert!(status("inside/../inside/a.txt").unwrap().ends_with("root/inside/a.txt"));
        for named in
            ["/etc/passwd", "../secret", "link", "up/secret", "up/none", "inside/../../secret", "up/root/../secret"]
        {
            assert_eq!(status(named), Err(StatusCode::FORBIDDEN), "{named}");
        }
        assert_eq!(status("inside/none"), Err(StatusCode::BAD_REQUEST));
        for name in ["../secret", "/etc/passwd", "inside", "none", ""] {
            assert_eq!(file_below(&root, name).unwrap_err().status, StatusCode::NOT_FOUND, "{name}");
        }
        assert_eq!(file_below(&root, "link").unwrap_err().status, StatusCode::FORBIDDEN);
        assert!(file_below(&root, "inside/a.txt").is_ok());
    }
}
