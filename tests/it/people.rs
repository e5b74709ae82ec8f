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
    // The first run learns visibly, and its table has no column without numbers.
    let head = all.lines().find(|line| line.trim_start().starts_with("epoch")).unwrap();
    assert!(head.contains("val loss") && !head.contains("accuracy"), "{head}");
    let metrics = fs::read_to_string(folder.path().join("jobs/first/metrics.jsonl")).unwrap();
    let events = metrics.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let losses: Vec<f64> =
        events.filter(|event| event["event"] == "validation").filter_map(|event| event["loss"].as_f64()).collect();
    assert!(losses.last().unwrap() < &(0.7 * losses[0]), "{losses:?}");
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
    assert!(
        bash.contains("cmd=\"digits__rs__subcmd__run\"") && bash.contains("digits__rs__subcmd__run)"),
        "bash's cases match"
    );
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

#[test]
fn what_files_print_and_say_cannot_command_the_terminal() {
    let folder = workshop();
    let network = "print('\\27[2Jclear')\n\
        local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(784, 10)):add(nn.LogSoftMax())\n\
        return { model = net, labelHook = function(input, labels) print('\\27]0;title\\7'); return labels end }\n";
    fs::write(folder.path().join("loud.lua"), network).unwrap();
    let text = well(folder.path(), "run loud.lua --epochs 1 --batch-size 4000 --job j --device cpu");
    let log = fs::read_to_string(folder.path().join("j/log.txt")).unwrap();
    for all in [&text, &log] {
        assert!(all.contains("\\x1b[2Jclear") && all.contains("\\x1b]0;title\\x07"), "{all}");
        assert!(!all.contains(['\x1b', '\x07']), "{all}");
    }
    let text = well(folder.path(), "run --resume j --epochs 2 --json --device cpu");
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|line| line["text"] == "\x1b[2Jclear"), "{text}");
    assert!(!text.contains('\x1b'));
}

#[test]
fn hints_quote_paths_and_losses_of_different_criteria_have_no_best() {
    let folder = workshop();
    let classifier = "return { model = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(784, 10))\n\
                      :add(nn.LogSoftMax()) }\n";
    fs::write(folder.path().join("c.lua"), classifier).unwrap();
    let run = |words: &[&str]| {
        let output = crate::job::program(folder.path(), words).output().unwrap();
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    };
    let quick = ["--epochs", "1", "--batch-size", "4000", "--device", "cpu"];
    let text = run(&[&["run", "c.lua", "--job", "my job"][..], &quick].concat());
    assert!(text.contains("digits-rs test 'my job' IMAGE"), "{text}");
    let text = run(&["run", "--resume", "my job"]);
    assert!(
        text.contains("my job is done already, after 1 epoch; for more: digits-rs run --resume 'my job'"),
        "{text}"
    );
    run(&[&["run", "net.lua", "--job", "a"][..], &quick].concat());
    let text = run(&["jobs", "compare", "my job", "a"]);
    assert!(
        text.contains("different criteria, nn.ClassNLLCriterion and nn.MSECriterion") && !text.contains(" *"),
        "{text}"
    );
    let text = run(&["jobs", "compare", "a", "a"]);
    assert!(text.contains(" *") && !text.contains("note:"), "{text}");
    let text = run(&["jobs", "remove", "a"]);
    assert!(text.contains("removed a") && !folder.path().join("a").exists(), "{text}");
}

#[test]
fn what_a_python_file_prints_is_heard_once() {
    let folder = workshop();
    let network = "print('at the top')\n\
        class UserModel(Tower):\n    @model_property\n    def inference(self):\n        print('in inference')\n        \
        return slim.fully_connected(slim.flatten(self.x), self.nclasses)\n    @model_property\n    def loss(self):\n        \
        return digits.classification_loss(self.inference, self.y)\n";
    fs::write(folder.path().join("n.py"), network).unwrap();
    for command in
        ["check n.py --input-shape 1x28x28 --nclasses 10", "run n.py --epochs 1 --batch-size 4000 --job j --device cpu"]
    {
        let text = well(folder.path(), command);
        for words in ["at the top", "in inference"] {
            assert_eq!(text.matches(words).count(), 1, "{command}: {text}");
        }
    }
}
