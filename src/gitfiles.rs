//! Rule and suppression files as a revision of a git repository has them: `git:REV:PATH`, as git itself writes
//! `REV:PATH`, and `git:REPOSITORY//REV:PATH` for a repository elsewhere.
//!
//! `git` is run to read objects only: nothing is checked out, no index is refreshed, nothing is fetched, and no hook or
//! filter of the repository runs.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use tracehound_lang::{SourceFile, SourceMap};
use tracehound_signals::visible::Visible;

/// What a path begins with that is read from git. A file that is called so is named `./git:…`.
const PREFIX: &str = "git:";

/// The folder of the repository if none is named.
const HERE: &str = ".";

/// Why files of a revision cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GitError {
    /// It is not written as `git:REV:PATH`.
    #[error("{0}; write git:REV:PATH or git:REPOSITORY//REV:PATH")]
    Syntax(&'static str),
    /// There is no program `git`.
    #[error("git is not installed; a git: path is read with it")]
    NoGit,
    /// The program `git` cannot be run.
    #[error("git cannot be run: {0}")]
    Failed(String),
    /// The folder is in no repository, or git does not trust it.
    #[error("no git repository can be read here: {0}")]
    NoRepository(String),
    /// The revision does not exist.
    #[error("the repository has no revision `{0}`")]
    NoRevision(String),
    /// The revision has no such path.
    #[error("the revision has no such file or folder: {0}")]
    NoPath(String),
    /// The path leaves the repository.
    #[error("the path is outside of the repository: it begins at the repository's root, or with ./ at this folder")]
    Outside,
    /// A folder without rule files.
    #[error("no .yaml or .yml file in this folder of the revision")]
    Empty,
    /// Something that is neither a file nor a folder.
    #[error("`{0}` is a symbolic link or a submodule, which is not followed in a revision")]
    NoFile(String),
    /// A file larger than rule files may be.
    #[error("`{0}` has more than {max} MiB", max = SourceMap::MAX_FILE >> 20)]
    TooLarge(String),
}

/// A `git:` path, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct GitPath<'a> {
    /// Folder of the repository; `.` if none is named.
    repository: &'a str,
    revision: &'a str,
    /// From the root of the repository; with `./` or `../` in front from the folder.
    path: &'a str,
}

/// The files that a `git:` path stands for: the file itself, or of a folder its `.yaml` and `.yml` files by name.
/// `None` if it is no such path.
pub fn source_files(path: &Path) -> Option<io::Result<Vec<SourceFile>>> {
    let text = path.to_str()?;
    let rest = text.strip_prefix(PREFIX)?;
    Some(parse(rest).and_then(|of| read(text, of)).map_err(io::Error::other))
}

fn parse(rest: &str) -> Result<GitPath<'_>, GitError> {
    let (repository, rest) = rest.split_once("//").unwrap_or((HERE, rest));
    let (revision, path) = rest.split_once(':').ok_or(GitError::Syntax("a path of a revision is missing"))?;
    if repository.is_empty() {
        return Err(GitError::Syntax("the repository before // is missing"));
    }
    if revision.is_empty() {
        return Err(GitError::Syntax("the revision is missing"));
    }
    if revision.starts_with('-') {
        // Git would take it for an option; no revision begins so.
        return Err(GitError::NoRevision(visible(revision.as_bytes())));
    }
    if path.starts_with('/') {
        return Err(GitError::Outside);
    }
    Ok(GitPath { repository, revision, path: path.trim_end_matches('/') })
}

fn read(named: &str, of: GitPath<'_>) -> Result<Vec<SourceFile>, GitError> {
    let git = |args: &[&str]| git(of.repository, args);
    git(&["rev-parse", "--git-dir"])?.map_err(GitError::NoRepository)?;
    let tree = git(&["rev-parse", "--verify", "--quiet", &format!("{}^{{tree}}", of.revision)])?;
    let tree = line(tree.map_err(|_| GitError::NoRevision(visible(of.revision.as_bytes())))?);
    let object = git(&["rev-parse", "--verify", &format!("{tree}:{}", of.path)])?.map_err(|message| {
        match message.contains("outside repository") {
            true => GitError::Outside,
            false => GitError::NoPath(visible(of.path.as_bytes())),
        }
    })?;
    let object = line(object);
    let blob = |object: &str, name: &str| -> Result<Vec<u8>, GitError> {
        let size = line(git(&["cat-file", "-s", object])?.map_err(GitError::Failed)?);
        if size.parse::<usize>().map_or(true, |size| size > SourceMap::MAX_FILE) {
            return Err(GitError::TooLarge(visible(name.as_bytes())));
        }
        git(&["cat-file", "blob", object])?.map_err(GitError::Failed)
    };
    match line(git(&["cat-file", "-t", &object])?.map_err(GitError::Failed)?).as_str() {
        "blob" => Ok(vec![SourceFile::new(named, blob(&object, named)?)]),
        "tree" => {
            let listing = git(&["ls-tree", "-z", "--full-tree", &object])?.map_err(GitError::Failed)?;
            let mut files = Vec::new();
            for (mode, object, name) in listing.split(|&b| b == 0).filter_map(row) {
                let extension = Path::new(name).extension().and_then(OsStr::to_str);
                if !matches!(extension, Some("yaml" | "yml")) || mode.starts_with("04") {
                    continue;
                }
                if !mode.starts_with("100") {
                    return Err(GitError::NoFile(visible(name.as_bytes())));
                }
                let named = named.trim_end_matches('/');
                let gap = if of.path.is_empty() { "" } else { "/" };
                files.push(SourceFile::new(format!("{named}{gap}{name}"), blob(object, name)?));
            }
            files.sort_by(|a, b| a.path.cmp(&b.path));
            if files.is_empty() { Err(GitError::Empty) } else { Ok(files) }
        }
        _ => Err(GitError::NoFile(visible(of.path.as_bytes()))),
    }
}

/// A row of `git ls-tree -z`: mode, object, name. A name that is no text is that of no rule file.
fn row(row: &[u8]) -> Option<(&str, &str, &str)> {
    let (left, name) = std::str::from_utf8(row).ok()?.split_once('\t')?;
    let mut parts = left.split(' ');
    let (mode, _, object) = (parts.next()?, parts.next()?, parts.next()?);
    Some((mode, object, name))
}

/// Runs git in a folder. The inner error is what git said, on one line.
fn git(folder: &str, args: &[&str]) -> Result<Result<Vec<u8>, String>, GitError> {
    let mut command = Command::new("git");
    if folder != HERE {
        // Git tells its hooks where their repository is; this is another one, or has to be found anew.
        for name in
            ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX"]
        {
            command.env_remove(name);
        }
    }
    let output = command
        .args(["--no-pager", "-C", folder])
        .args(args)
        .env("LC_ALL", "C")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        // Objects that a partial clone left out are missing: nothing is asked of the network.
        .env("GIT_NO_LAZY_FETCH", "1")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => GitError::NoGit,
            _ => GitError::Failed(error.to_string()),
        })?;
    if output.status.success() {
        return Ok(Ok(output.stdout));
    }
    let message = String::from_utf8_lossy(&output.stderr);
    let first = message.lines().next().unwrap_or("git says nothing");
    Ok(Err(visible(first.strip_prefix("fatal: ").unwrap_or(first).as_bytes())))
}

fn line(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).trim_end().to_owned()
}

fn visible(bytes: &[u8]) -> String {
    Visible(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart() {
        let path = |repository, revision, path| Ok(GitPath { repository, revision, path });
        for (text, expected) in [
            ("HEAD:rules", path(".", "HEAD", "rules")),
            ("HEAD~1:rules/", path(".", "HEAD~1", "rules")),
            ("v1.0:", path(".", "v1.0", "")),
            ("/srv/r:1//main:./a.yaml", path("/srv/r:1", "main", "./a.yaml")),
            ("HEAD", Err(GitError::Syntax("a path of a revision is missing"))),
            (":rules", Err(GitError::Syntax("the revision is missing"))),
            ("//HEAD:rules", Err(GitError::Syntax("the repository before // is missing"))),
            ("--all:rules", Err(GitError::NoRevision("--all".to_owned()))),
            ("HEAD:/etc/passwd", Err(GitError::Outside)),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
        assert!(source_files(Path::new("./git:HEAD:x")).is_none());
    }
}
