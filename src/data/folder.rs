//! A folder with one subfolder a class becomes lists of images for training, validation and testing.
//!
//! Source: `digits/tools/parse_folder.py`, `docs/ImageFolderFormat.md`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

pub use super::class_files::EXTENSIONS;
pub(crate) use super::class_files::is_image;
use super::{
    class_files::{Seen, entries},
    class_folders::{ClassFolders, class_folders},
    folder_of_sets::sets_for_classes,
    random::Random,
};
use crate::error::{Error, Kind, Result};

/// How the images are chosen and divided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FolderOptions {
    /// Percent of each class for validation, 0..=100.
    pub val_percent: f64,
    /// Percent of each class for testing, 0..=100.
    pub test_percent: f64,
    /// Classes with fewer images are left out.
    pub min_per_class: usize,
    /// No more images than this of a class, the first in the order of names.
    pub max_per_class: Option<usize>,
    /// Seeds the shuffle in front of the division.
    pub seed: u64,
}

impl Default for FolderOptions {
    fn default() -> Self {
        FolderOptions { val_percent: 25.0, test_percent: 0.0, min_per_class: 2, max_per_class: None, seed: 0 }
    }
}

/// Something with a class: a file, or an image of another source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// How the lists (`train.txt`) name it: the path of a file.
    pub name: String,
    /// The class, from 0.
    pub label: usize,
    /// Its place in the source, for sources that are no folders.
    pub index: usize,
}

/// The division of a set of images.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lists {
    /// The classes' names.
    pub labels: Vec<String>,
    /// For training.
    pub train: Vec<Item>,
    /// For validation.
    pub val: Vec<Item>,
    /// For testing.
    pub test: Vec<Item>,
    /// What was found and is in none of the lists: its name, and why.
    pub left_out: Vec<(String, String)>,
    /// Classes with too few images to be taken, and how many.
    pub small: Vec<(String, usize)>,
}

impl Lists {
    /// Shuffles the items of the next class and cuts them into the three lists.
    pub fn add_class(&mut self, label: String, mut items: Vec<Item>, options: &FolderOptions) {
        Random::new(&[options.seed, self.labels.len() as u64, 0xF01D]).shuffle(&mut items);
        let [train, val, _] = cut_sizes(items.len(), options.val_percent, options.test_percent);
        let mut rest = items.into_iter();
        self.train.extend(rest.by_ref().take(train));
        self.val.extend(rest.by_ref().take(val));
        self.test.extend(rest);
        self.labels.push(label);
    }
}

/// How many of `n` images go to training, validation and testing.
#[must_use]
pub fn cut_sizes(n: usize, val_percent: f64, test_percent: f64) -> [usize; 3] {
    let (b, c) = (val_percent, test_percent);
    let a = 100.0 - b - c;
    if a >= 100.0 {
        return [n, 0, 0];
    }
    if b >= 100.0 {
        return [0, n, 0];
    }
    if c >= 100.0 {
        return [0, 0, n];
    }
    let share = |percent: f64| (n as f64 * percent / 100.0).round() as usize;
    let mut na = share(a).min(n);
    if a > 0.0 && na < 1 {
        na = 1.min(n);
    }
    let mut nb = share(b).min(n - na);
    if b > 0.0 && nb < 1 {
        if na > 1 {
            na -= 1;
            nb = 1;
        } else if na != n {
            nb = 1;
        }
    }
    let mut nc = n - na - nb;
    if c > 0.0 && nc < 1 {
        if nb > 1 {
            nb -= 1;
            nc = 1;
        } else if na > 1 {
            na -= 1;
            nc = 1;
        }
    }
    [na, nb, nc]
}

/// Reads the folder's classes. Nested folders are flattened, links followed.
///
/// # Errors
/// When the folder cannot be read, the percentages do not fit, or fewer than two classes have enough images.
pub fn parse(folder: &Path, options: &FolderOptions) -> Result<Lists> {
    let (val, test) = (options.val_percent, options.test_percent);
    if !(0.0..=100.0).contains(&val) || !(0.0..=100.0).contains(&test) || val + test > 100.0 {
        return Err(Error::new(Kind::Usage, format!("{val} % for validation and {test} % for testing do not fit"))
            .with_help("give percentages from 0 to 100 that add up to at most 100"));
    }
    let (given, ClassFolders { folder, classes, left_out }) = (folder, class_folders(folder)?);
    if let Some(page) = sets_for_classes(given, &classes) {
        return Err(page);
    }
    let page = |message: String| {
        Error::new(Kind::Data, message)
            .with_fact("it wants", "one subfolder for each class, at least two, with images in them")
            .with_fact("images end in", EXTENSIONS.join(", "))
    };
    if classes.len() < 2 {
        let (count, what) = (classes.len(), folder.display());
        return Err(page(format!("{what} has {count} class folder{}", if count == 1 { "" } else { "s" })));
    }
    let sets = [100.0 - val - test, val, test].iter().filter(|&&percent| percent > 0.0).count();
    let least = options.min_per_class.max(sets).max(1);
    let mut lists = Lists { left_out, ..Lists::default() };
    let mut seen = Seen::default();
    for class in classes {
        let files = seen.images(&class, options.max_per_class.unwrap_or(usize::MAX), &mut lists.left_out)?;
        let name = class_name(&class)?;
        if files.len() < least {
            lists.small.push((name, files.len()));
            continue;
        }
        let label = lists.labels.len();
        let items =
            files.into_iter().map(|path| Item { name: path.to_string_lossy().into_owned(), label, index: 0 }).collect();
        lists.add_class(name, items, options);
    }
    if lists.labels.len() < 2 {
        let dropped: Vec<String> = lists.small.iter().map(|(name, images)| format!("{name}: {images}")).collect();
        return Err(page(format!("{} has fewer than two classes with {least} images or more", folder.display()))
            .with_fact("left out", dropped.join("\n"))
            .with_help(if options.min_per_class > sets {
                "add images, or lower --min-per-class"
            } else {
                "add images: training, validation and testing want one of every class each"
            }));
    }
    Ok(lists)
}

/// All images of another folder whose class folders have these names, for validation or testing. Folders of other names
/// are `left_out`, with the reason.
///
/// # Errors
/// When the folder cannot be read or holds no image of these classes.
pub fn parse_known(folder: &Path, labels: &[String], left_out: &mut Vec<(String, String)>) -> Result<Vec<Item>> {
    let ClassFolders { folder, classes, left_out: links } = class_folders(folder)?;
    left_out.extend(links);
    let (mut items, mut seen) = (Vec::new(), Seen::default());
    for class in classes {
        let name = class_name(&class)?;
        let Some(label) = labels.iter().position(|known| *known == name) else {
            left_out.push((
                class.display().to_string(),
                format!("a folder of class {name}, which there is none of to train on"),
            ));
            continue;
        };
        let files = seen.images(&class, usize::MAX, left_out)?;
        let item = |path: PathBuf| Item { name: path.to_string_lossy().into_owned(), label, index: 0 };
        items.extend(files.into_iter().map(item));
    }
    if items.is_empty() {
        return Err(Error::new(Kind::Data, format!("{} has no image of the classes to train on", folder.display()))
            .with_fact("classes", labels.join(", "))
            .with_fact("images end in", EXTENSIONS.join(", ")));
    }
    Ok(items)
}

/// The image files below a folder by their paths below it without their endings.
///
/// # Errors
/// When the folder cannot be read.
pub(super) fn images_by_stem(folder: &Path) -> Result<BTreeMap<PathBuf, PathBuf>> {
    let folder = folder.canonicalize().map_err(|e| Error::io("read the folder", folder, &e))?;
    std::fs::read_dir(&folder).map_err(|e| Error::io("read the folder", &folder, &e))?;
    let files = entries(&folder).flatten().filter(|entry| entry.file_type().is_file() && is_image(entry.path()));
    let named = files.filter_map(|entry| {
        let stem = entry.path().strip_prefix(&folder).ok()?.with_extension("");
        Some((stem, entry.into_path()))
    });
    Ok(named.collect())
}

/// The subfolders in the order of their names, each with the name of its class.
///
/// # Errors
/// When the folder cannot be read, has no subfolder, or one has a name that no class can have.
pub(super) fn classes(folder: &Path) -> Result<Vec<(PathBuf, String)>> {
    let ClassFolders { folder, classes, .. } = class_folders(folder)?;
    if classes.is_empty() {
        return Err(Error::new(Kind::Data, format!("{} has no class folders", folder.display()))
            .with_fact("it wants", "one subfolder for each class"));
    }
    classes.into_iter().map(|class| Ok((class.clone(), class_name(&class)?))).collect()
}

/// A class' name after its folder.
fn class_name(folder: &Path) -> Result<String> {
    let name = folder.file_name().map(|name| name.to_string_lossy().replace('_', " ")).unwrap_or_default();
    check_name(&name).map_err(|page| page.with_fact("the folder", format!("{:?}", folder.display().to_string())))?;
    Ok(name)
}

/// Refuses a class' name that a file of labels, which has one a line, cannot hold: every class behind it would have
/// another's name.
///
/// # Errors
/// When it is blank or holds a line break.
pub(super) fn check_name(name: &str) -> Result<()> {
    let what = if name.contains(['\n', '\r']) {
        "holds a line break"
    } else if name.trim().is_empty() {
        "is blank"
    } else {
        return Ok(());
    };
    Err(Error::new(Kind::Data, format!("the name of a class {what}"))
        .with_fact("the name", format!("{name:?}"))
        .with_fact("it wants", "a name that fits on a line of labels.txt")
        .with_help("rename it"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    /// What begins as an image does.
    const IMAGE: &[u8] = b"P5 1 1 255\n\0";

    #[test]
    fn mnist_s_classes_give_45002_and_14998() {
        let counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949];
        let sizes: Vec<_> = counts.iter().map(|&n| cut_sizes(n, 25.0, 0.0)).collect();
        assert_eq!(sizes.iter().map(|s| s[0]).sum::<usize>(), 45_002);
        assert_eq!(sizes.iter().map(|s| s[1]).sum::<usize>(), 14_998);
    }

    #[test]
    fn small_classes_still_reach_every_set() {
        assert_eq!(cut_sizes(2, 25.0, 0.0), [1, 1, 0]);
        assert_eq!(cut_sizes(3, 10.0, 10.0), [1, 1, 1]);
        assert_eq!(cut_sizes(1, 25.0, 0.0), [1, 0, 0]);
        assert_eq!(cut_sizes(7, 100.0, 0.0), [0, 7, 0]);
        assert_eq!(cut_sizes(7, 0.0, 100.0), [0, 0, 7]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost(n in 0usize..1000, b in 0.0f64..100.0, c in 0.0f64..100.0) {
            let c = c.min(100.0 - b);
            prop_assert_eq!(cut_sizes(n, b, c).iter().sum::<usize>(), n);
        }
    }

    #[test]
    fn classes_nested_folders_and_names() {
        let root = tempfile::tempdir().unwrap();
        for (path, _) in [("b_c/1.PNG", 0), ("b_c/deep/2.jpeg", 0), ("a/1.bmp", 0), ("a/2.ppm", 0), ("lone/1.png", 0)] {
            fs::create_dir_all(root.path().join(path).parent().unwrap()).unwrap();
            fs::write(root.path().join(path), IMAGE).unwrap();
        }
        fs::write(root.path().join("a/readme.txt"), "").unwrap();
        let lists = parse(root.path(), &FolderOptions::default()).unwrap();
        assert_eq!(lists.labels, ["a", "b c"]);
        assert_eq!((lists.train.len(), lists.val.len(), lists.test.len()), (2, 2, 0));
        assert_eq!(lists, parse(root.path(), &FolderOptions::default()).unwrap());
        let most = FolderOptions { max_per_class: Some(1), min_per_class: 1, val_percent: 0.0, ..Default::default() };
        assert_eq!(parse(root.path(), &most).unwrap().train.len(), 3);
    }

    #[test]
    fn another_folder_has_the_same_classes() {
        let root = tempfile::tempdir().unwrap();
        for path in ["b_c/1.png", "a/1.png", "a/2.png", "other/1.png"] {
            fs::create_dir_all(root.path().join(path).parent().unwrap()).unwrap();
            fs::write(root.path().join(path), IMAGE).unwrap();
        }
        let labels = ["none".to_string(), "b c".to_string(), "a".to_string()];
        let mut left_out = Vec::new();
        let found = parse_known(root.path(), &labels, &mut left_out).unwrap();
        assert_eq!(found.iter().map(|item| item.label).collect::<Vec<_>>(), [2, 2, 1]);
        assert!(left_out.len() == 1 && left_out[0].1.contains("class other"), "{left_out:?}");
        let page = parse_known(root.path(), &labels[..1], &mut left_out).unwrap_err().to_string();
        assert!(page.contains("has no image of the classes"), "{page}");
    }

    #[test]
    fn links_lead_to_no_image_twice() {
        use std::os::unix::fs::symlink;
        let root = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        for path in ["a/1.png", "a/2.png", "a/deep/3.png", "b/1.png", "b/2.png"] {
            fs::create_dir_all(at(path).parent().unwrap()).unwrap();
            fs::write(at(path), IMAGE).unwrap();
        }
        fs::write(elsewhere.path().join("4.png"), IMAGE).unwrap();
        symlink(elsewhere.path(), at("a/elsewhere")).unwrap();
        symlink(at("a/1.png"), at("a/again.png")).unwrap();
        fs::hard_link(at("a/2.png"), at("a/hard.png")).unwrap();
        symlink(at("a/deep"), at("a/deeper")).unwrap();
        symlink(at("a"), at("a/deep/up")).unwrap();
        symlink(root.path(), at("a/top")).unwrap();
        symlink("gone.png", at("b/broken.png")).unwrap();
        fs::write(at("b/none.png"), "no image").unwrap();
        symlink("none.png", at("b/none-again.png")).unwrap();
        symlink("none.png", at("b/z.png")).unwrap();
        let lists = parse(root.path(), &FolderOptions::default()).unwrap();
        let names: Vec<_> = lists.train.iter().chain(&lists.val).map(|item| &item.name[..]).collect();
        assert_eq!(names.len(), 6, "{names:?}");
        let left_out: Vec<String> = lists.left_out.iter().map(|(name, why)| format!("{name}: {why}")).collect();
        for (name, why) in [("a/again.png", "a/1.png"), ("a/hard.png", "a/2.png"), ("a/deeper/3.png", "a/deep/3.png")] {
            let line = format!("{}: the same file as {}", at(name).display(), at(why).display());
            assert!(left_out.contains(&line), "{line} is not in {left_out:#?}");
        }
        assert!(left_out.iter().any(|line| line.contains("broken.png")), "{left_out:#?}");
        for name in ["b/none.png", "b/none-again.png", "b/z.png"] {
            let here = at(name).display().to_string();
            assert!(left_out.iter().any(|line| line.starts_with(&here)), "{name} is not in {left_out:#?}");
        }

        symlink(at("a/1.png"), at("b/5.png")).unwrap();
        let page = parse(root.path(), &FolderOptions::default()).unwrap_err().to_string();
        assert!(page.contains("in two classes") && page.contains("b/5.png") && page.contains("a/1.png"), "{page}");
    }

    #[test]
    fn a_class_has_as_many_images_as_can_be_read() {
        use std::os::unix::ffi::OsStrExt as _;
        let root = tempfile::tempdir().unwrap();
        let class = |name: &str| {
            let folder = root.path().join(name);
            fs::create_dir_all(&folder).unwrap();
            folder
        };
        for name in ["1.png", "2.png"] {
            fs::write(class("good").join(name), IMAGE).unwrap();
            fs::write(class("fine").join(name), IMAGE).unwrap();
            fs::write(class("broken").join(name), "no picture").unwrap();
            fs::create_dir_all(class("folders").join(name)).unwrap();
            let odd = [b"\xff", name.as_bytes()].concat();
            fs::write(class("odd").join(std::ffi::OsStr::from_bytes(&odd)), IMAGE).unwrap();
        }
        let lists = parse(root.path(), &FolderOptions::default()).unwrap();
        assert_eq!(lists.labels, ["fine", "good"]);
        let none = |name: &str| (name.to_string(), 0);
        assert_eq!(lists.small, [none("broken"), none("folders"), none("odd")]);
        let why = |file: &str| {
            let found = lists.left_out.iter().filter(|(name, _)| name.contains(file)).map(|(_, why)| why.as_str());
            found.collect::<Vec<_>>()
        };
        assert!(why("/broken/").len() == 2 && why("/broken/")[0].contains("cannot be decoded"), "{:?}", lists.left_out);
        assert!(why("/odd/").len() == 2 && why("/odd/")[0].contains("not UTF-8"), "{:?}", lists.left_out);
    }

    #[test]
    fn names_that_no_line_can_hold_are_refused() {
        for (bad, words) in [("a\nb", "line break"), ("_", "blank")] {
            let root = tempfile::tempdir().unwrap();
            for class in [bad, "cat"] {
                fs::create_dir(root.path().join(class)).unwrap();
                for name in ["1.png", "2.png"] {
                    fs::write(root.path().join(class).join(name), IMAGE).unwrap();
                }
            }
            let page = parse(root.path(), &FolderOptions::default()).unwrap_err().to_string();
            assert!(page.contains(words) && page.contains("the folder"), "{page}");
        }
        let root = tempfile::tempdir().unwrap();
        for path in ["a/1.png", "a/2.png", "b/1.png", "b/2.png", "b/x\ny.png"] {
            fs::create_dir_all(root.path().join(path).parent().unwrap()).unwrap();
            fs::write(root.path().join(path), IMAGE).unwrap();
        }
        let lists = parse(root.path(), &FolderOptions::default()).unwrap();
        assert!(lists.left_out[0].0.ends_with("b/x y.png"), "{:?}", lists.left_out);
        assert_eq!(lists.train.len() + lists.val.len(), 4);
    }

    #[test]
    fn folders_without_classes_get_a_page() {
        let root = tempfile::tempdir().unwrap();
        assert!(parse(root.path(), &FolderOptions::default()).unwrap_err().message().contains("0 class folders"));
        for class in ["a", "b"] {
            fs::create_dir(root.path().join(class)).unwrap();
        }
        let page = parse(root.path(), &FolderOptions::default()).unwrap_err().to_string();
        assert!(page.contains("a: 0"), "{page}");
        assert!(parse(&root.path().join("none"), &FolderOptions::default()).is_err());
        let options = FolderOptions { val_percent: 80.0, test_percent: 30.0, ..Default::default() };
        assert_eq!(parse(root.path(), &options).unwrap_err().kind(), Kind::Usage);
    }
}
