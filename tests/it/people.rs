//! The first hours with the program, as people have them: the README's commands, and what public reports asked for.

use std::{fs, path::Path};

use digits::data::Image;

use crate::{
    job::{page, well, workshop},
    tree::root,
};

/// Dark and bright images in a folder a class.
fn photos(folder: &Path) {
    for (class, grey) in [("cat", 20u8), ("dog", 200)] {
        fs::create_dir_all(folder.join(class)).unwrap();
        for i in 0..4u8 {
            let pixels = (0..28 * 28).map(|at| grey + i * 5 + (at % 7) as u8).collect();
            let image = Image { width: 28, height: 28, channels: 1, pixels };
            image.save_png(&folder.join(class).join(format!("{i}.png"))).unwrap();
        }
    }
}

#[test]
fn the_commands_of_the_first_ten_minutes_run_as_they_are_written() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let chapter = readme.split("## The first ten minutes").nth(1).unwrap().split("\n## ").next().unwrap();
    let commands: Vec<&str> = chapter.lines().filter_map(|line| line.strip_prefix("digits-rs ")).collect();
    assert!(commands.len() >= 10, "{commands:?}");
    let folder = workshop();
    fs::create_dir(folder.path().join("networks")).unwrap();
    for name in ["autoencoder.lua", "lenet-plain.lua"] {
        fs::copy(root().join("networks").join(name), folder.path().join("networks").join(name)).unwrap();
    }
    photos(&folder.path().join("photos"));
    let mut all = String::new();
    for command in commands {
        all += &well(folder.path(), command);
    }
    for words in
        ["best validation loss", "digits-rs test jobs/first IMAGE", "reconstruction error", "Done", "accuracy "]
    {
        assert!(all.contains(words), "{words} is missing in\n{all}");
    }
    for path in ["jobs/first/test-record-7/index.html", "jobs/first/model.onnx", "photos.tar.gz"] {
        assert!(folder.path().join(path).is_file(), "{path}");
    }
}

#[test]
fn a_view_that_takes_the_batch_along_is_found_by_check() {
    let folder = workshop();
    let text = "return { model = nn.Sequential():add(nn.View(28, 28)):add(nn.Linear(28, 3)) }\n";
    fs::write(folder.path().join("view.lua"), text).unwrap();
    let text = page(folder.path(), "check view.lua --input-shape 1x28x28");
    assert!(text.contains("two samples") && text.contains("setNumInputDims"), "{text}");
    // The help is followed, and gets further.
    let text = "return { model = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(784, 3)) }\n";
    fs::write(folder.path().join("view.lua"), text).unwrap();
    well(folder.path(), "check view.lua --input-shape 1x28x28");
}

#[test]
fn characters_of_pages_and_documents_are_named() {
    let folder = workshop();
    for (line, words) in [
        ("local\u{a0}net = nn.Sequential()", "a non-breaking space, U+00A0"),
        ("print(\u{201c}hello\u{201d})", "a typographic quote, U+201C"),
    ] {
        fs::write(folder.path().join("pasted.lua"), format!("{line}\nreturn nil\n")).unwrap();
        let text = page(folder.path(), "check pasted.lua");
        assert!(text.contains(words) && text.contains("in its place"), "{text}");
        // Followed, the file reads: what is wrong then is that it returns nothing.
        let plain = line.replace('\u{a0}', " ").replace(['\u{201c}', '\u{201d}'], "\"");
        fs::write(folder.path().join("pasted.lua"), format!("{plain}\nreturn nil\n")).unwrap();
        assert!(!page(folder.path(), "check pasted.lua").contains(words));
    }
}

#[test]
fn a_run_that_failed_at_once_does_not_block_its_folder_and_odd_settings_are_warned_of() {
    let folder = workshop();
    let hook = "labelHook = function(input) error('no') end";
    let network = |hook: &str| {
        format!(
            "return function(params)\n\
             local net = nn.Sequential():add(nn.MulConstant(0.004)):add(nn.View(-1):setNumInputDims(3))\n\
             net:add(nn.Linear(784, 10)):add(nn.LogSoftMax())\n\
             return {{ model = net, {hook} }}\nend\n"
        )
    };
    fs::write(folder.path().join("net.lua"), network(hook)).unwrap();
    let begin = "run net.lua --epochs 1 --batch-size 9000 --lr-power 2 --job j --device cpu";
    page(folder.path(), begin);
    fs::write(folder.path().join("net.lua"), network("")).unwrap();
    let text = well(folder.path(), begin);
    for words in ["begins anew", "is larger than the", "--lr-power has no effect", "hardly moved", "done in "] {
        assert!(text.contains(words), "{words} is missing in\n{text}");
    }
    let text = well(folder.path(), "run --resume j");
    assert!(text.contains("is done already") && !text.contains("train loss"), "{text}");
    let text = well(folder.path(), "run --resume j --epochs 2");
    assert!(text.contains("goes on from epoch 1"), "{text}");
    let lines = well(folder.path(), "run --resume j --epochs 3 --json");
    let kinds: Vec<String> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["event"].as_str().unwrap().into())
        .collect();
    for kind in ["resume", "train", "epoch", "validation", "snapshot", "end", "summary"] {
        assert!(kinds.iter().any(|known| known == kind), "{kind} is not among {kinds:?}");
    }
    let listed = well(folder.path(), "jobs .");
    assert!(listed.contains("Done") && listed.contains("3/3"), "{listed}");
    let watched = well(folder.path(), "watch j");
    assert!(watched.lines().any(|line| line.trim_start().starts_with("0   untrained")), "{watched}");
    assert_eq!(watched.lines().last(), Some("j: Done"));
    let compared = well(folder.path(), "jobs compare j j --out .");
    assert!(compared.contains("made ./comparison.svg") && folder.path().join("comparison.png").is_file(), "{compared}");
    well(folder.path(), "jobs rm j");
    assert!(!folder.path().join("j").exists());
}

#[test]
fn the_files_for_shell_and_man_name_every_command() {
    let folder = workshop();
    let (bash, man) = (well(folder.path(), "completions bash"), well(folder.path(), "man"));
    let help = well(folder.path(), "--help");
    let listed =
        help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1).take_while(|line| !line.is_empty());
    let commands: Vec<&str> = listed
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|word| !matches!(*word, "" | "help"))
        .collect();
    assert!(commands.contains(&"serve") && commands.contains(&"th"), "{help}");
    let names = |text: &str, command: &str| {
        // roff writes a hyphen as \-.
        text.replace('\\', "")
            .split(|c: char| !c.is_alphanumeric() && c != '-')
            .any(|word| word.trim_start_matches("digits-rs-") == command)
    };
    for command in commands {
        assert!(names(&bash, command) && names(&man, command), "{command}");
    }
    assert!(well(folder.path(), "man run").contains("epochs"));
}
