//! Helps that lead somewhere: each row takes a page of `tests/golden/errors`, does what its help says, and gets further: to a
//! good end, or to words that come later.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use rayon::prelude::*;

use crate::tree;

/// A help and what following it comes to.
struct Followed {
    /// The case, a folder of `tests/golden/errors`.
    case: &'static str,
    /// Words of its help.
    help: &'static str,
    /// File, what stands there, what comes in its place. Where nothing is said to stand there, the text is appended.
    edits: &'static [(&'static str, &'static str, &'static str)],
    /// The arguments, where they change.
    command: &'static str,
    /// Words that show the next step, where the case has more than one mistake; else it ends well.
    further: &'static str,
}

const fn edit(
    case: &'static str,
    help: &'static str,
    edits: &'static [(&'static str, &'static str, &'static str)],
) -> Followed {
    Followed { case, help, edits, command: "", further: "" }
}

const fn command(case: &'static str, help: &'static str, command: &'static str) -> Followed {
    Followed { case, help, edits: &[], command, further: "" }
}

/// Before the program starts, a job of the case's own network.
const WITH_JOB: (&str, &str, &str) = (
    "run.sh",
    "exec \"$DIGITS\"",
    "\"$DIGITS\" run net.lua --dataset data --epochs 1 --device cpu --job first >/dev/null 2>&1\nexec \"$DIGITS\"",
);

const ENDING: &str = "return { model = net, loss = nn.MSECriterion() }";

/// The network of these cases takes images once it makes rows of them.
const FLATTENED: (&str, &str, &str) =
    ("net.lua", "nn.Sequential()", "nn.Sequential():add(nn.View(-1):setNumInputDims(3))");

const FOLLOWED: &[Followed] = &[
    command(
        "crop_too_large",
        "choose a crop from 1 to 4",
        "run net.lua --dataset data --crop 4 --epochs 1 --device cpu --job job",
    ),
    Followed {
        edits: &[(
            "run.sh",
            "",
            "for class in a b; do mkdir -p images/$class; for i in 1 2 3 4; do \
             printf 'P2\\n2 2\\n255\\n0 10 20 %s\\n' $i > images/$class/$i.pgm; done; done\n\
             \"$DIGITS\" dataset folder images --out nowhere --size 4x4 --channels 1 >/dev/null\nexec \"$DIGITS\" \"$@\"\n",
        )],
        ..command(
            "dataset_missing",
            "digits-rs dataset folder",
            "run net.lua --dataset nowhere --epochs 1 --device cpu --job job",
        )
    },
    command("device_cuda", "leave --device out", "run net.lua --dataset data --epochs 1 --job job"),
    Followed { further: "weights.t7", ..command("disk_file", "digits-rs th --trusted FILE", "th --trusted net.lua") },
    edit(
        "disk_file",
        "torch.MemoryFile is always there",
        &[("net.lua", "torch.load(\"weights.t7\")", "torch.MemoryFile()")],
    ),
    edit(
        "flat_storage_resized",
        "t:clone()",
        &[("net.lua", "weight:storage():resize(2 ^ 24)", "weight:clone():storage():resize(2 ^ 20)")],
    ),
    edit("flat_vector_repointed", "flat:clone()", &[("net.lua", "flat:set(", "flat:clone():set(")]),
    edit(
        "function_returns_nothing",
        ENDING,
        &[("net.lua", "10))\nend", "10))\n    return { model = net, loss = nn.MSECriterion() }\nend"), FLATTENED],
    ),
    edit(
        "returns_nothing",
        ENDING,
        &[
            FLATTENED,
            ("net.lua", "", "return function(params)\n  return { model = net, loss = nn.MSECriterion() }\nend\n"),
        ],
    ),
    edit("returns_no_model", ENDING, &[("net.lua", "network = net", "model = net"), FLATTENED]),
    edit(
        "returns_number",
        ENDING,
        &[(
            "net.lua",
            "return 42",
            "local net = nn.Identity()\nreturn function(params)\n  return { model = net, loss = nn.MSECriterion() }\nend",
        )],
    ),
    Followed {
        further: "HDF5's mark",
        ..command(
            "hdf5_with_label_db",
            "leave the label database out",
            "run net.lua --train-db train.h5 --epochs 1 --device cpu --job job",
        )
    },
    edit("hook_returns_nothing", "end it with 'return input'", &[("net.lua", "label) end", "label) return input end")]),
    command("hue_of_grey_images", "leave --aug-hsv-h", "run net.lua --dataset data --epochs 1 --device cpu --job job"),
    edit(
        "hue_of_grey_images",
        "make the dataset in colour",
        &[("run.sh", "--channels 1", "--channels 3"), ("net.lua", "nn.Linear(16, 2)", "nn.Linear(48, 2)")],
    ),
    Followed {
        edits: &[("names.txt", "", "cat\ndog\n")],
        ..command(
            "labels_without_names",
            "once the classes have names: run --train-db DIR --labels FILE",
            "run net.lua --train-db db --labels names.txt --subtract-mean none --epochs 1 --job job --device cpu",
        )
    },
    edit("list_empty", "write a path a line", &[("run.sh", "# nothing", "images/a/1.pgm 0")]),
    Followed {
        further: "a.png",
        ..edit("lists_class_without_name", "a line for each class", &[("run.sh", "cat\\ndog", "cat\\ndog\\nbird")])
    },
    edit("loss_is_a_module", "nn.MSECriterion()", &[("net.lua", "nn.Linear(2, 2)", "nn.MSECriterion()")]),
    command(
        "mean_of_another_size",
        "--subtract-mean none",
        "run net.lua --train-db data/train_db --subtract-mean none --labels data/labels.txt --epochs 1 --device cpu --job job",
    ),
    command(
        "nan_loss",
        "lower the base learning rate (--lr)",
        "run net.lua --dataset data --epochs 2 --lr 1e-7 --device cpu --job job",
    ),
    command("no_such_snapshot", "name one of these epochs", "run --resume job --from-snapshot 1 --device cpu"),
    Followed {
        edits: &[
            (
                "net.lua",
                "",
                "return { model = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(16, 2)):add(nn.LogSoftMax()) }\n",
            ),
            (
                "run.sh",
                "exec",
                "\"$DIGITS\" dataset folder images --out data --size 4x4 --channels 1 >/dev/null 2>&1\nexec",
            ),
            WITH_JOB,
        ],
        ..command("not_a_job", "a folder that digits-rs run has made", "test first images/a/1.pgm")
    },
    edit(
        "os_access",
        "time, clock, date",
        &[("net.lua", "os.execute('echo outside')", "print(os.date(), os.clock(), os.time(), os.getenv('HOME'))")],
    ),
    edit(
        "io_access",
        "write, stdout and stderr, which print",
        &[(
            "net.lua",
            "local secrets = io.open('/etc/passwd'):read('*a')",
            "io.write('a'); io.stdout:write('b'); io.stderr:write('c')",
        )],
    ),
    edit("other_flat_vector", "return its two vectors as they are", &[("net.lua", "flat:double()", "flat")]),
    command("rate_cannot_change", "leave --lr out", "run --resume job --device cpu"),
    command(
        "rate_cannot_change",
        "start a new run",
        "run net.lua --dataset data --lr 0.5 --epochs 1 --device cpu --job other",
    ),
    edit("shape_mismatch", "write nn.Linear(784, 300)", &[("net.lua", "nn.Linear(783, 300)", "nn.Linear(784, 300)")]),
    // Narrow once it fits: its epoch takes minutes in a build without optimisation.
    edit(
        "shape_mismatch_in_training",
        "write nn.Linear(784, 300)",
        &[
            ("net.lua", "nn.Linear(783, 300)", "nn.Linear(784, 300)"),
            ("net.lua", "(784, 300)", "(784, 3)"),
            ("net.lua", "(300, 784)", "(3, 784)"),
        ],
    ),
    command(
        "sweep_on_a_job",
        "another folder with --job DIR",
        "run net.lua --dataset data --lr 0.1,0.01 --epochs 1 --device cpu --job other",
    ),
    command(
        "sweep_value_twice",
        "name each value once",
        "run net.lua --dataset data --lr 0.1,0.01 --epochs 1 --device cpu",
    ),
    Followed {
        further: "it wants",
        ..edit("syntax_error", "a missing `end`, `)`", &[("net.lua", "nn.Linear(784, 10)", "nn.Linear(784, 10))")])
    },
    Followed {
        further: "it wants",
        ..edit("syntax_error_at_end", "look for a missing `end`", &[("net.lua", "", "end\n")])
    },
    Followed {
        further: "it wants",
        ..edit("unknown_module", "did you mean nn.Linear?", &[("net.lua", "nn.Lineer", "nn.Linear")])
    },
    edit("unknown_package", "require 'cudnn'", &[("net.lua", "cuddn", "cudnn")]),
    edit(
        "t7_unknown_class",
        "with torch.class, before loading",
        &[("net.lua", "print", "fbcunn = {}\ntorch.class('fbcunn.Own')\nprint")],
    ),
    Followed {
        edits: &[WITH_JOB],
        ..command(
            "weights_of_another_kind",
            "or a job folder",
            "run net.lua --dataset data --weights first --epochs 1 --device cpu --job two",
        )
    },
    Followed {
        edits: &[("run.sh", "--resume job", "--resume job")],
        ..command(
            "two_runs_on_one_job",
            "another folder with --job DIR",
            "run net.lua --dataset data --epochs 1 --device cpu --job other",
        )
    },
    Followed {
        further: "it wants",
        ..edit(
            "missing_argument",
            "nn.Linear(inputSize, outputSize",
            &[("net.lua", "nn.Linear(784)", "nn.Linear(784, 10)")],
        )
    },
    edit(
        "wrong_gradient",
        "gradOutput times the derivative of updateOutput by the input",
        &[
            ("net.lua", "torch.cmul(input, gradOutput)\n    return", "torch.cmul(input, gradOutput) * 2\n    return"),
            ("net.lua", "2 * scale", "scale"),
        ],
    ),
    edit("wrong_criterion_gradient", "the derivative of updateOutput's number", &[("net.lua", "* -2", "* 2")]),
    Followed {
        further: "a backward of its own",
        ..command("gradients_without_shape", "--input-shape 1x28x28", "check net.lua --gradients --input-shape 1x28x28")
    },
];

#[test]
fn every_help_that_is_followed_leads_further() {
    assert!(FOLLOWED.len() >= 25, "{}", FOLLOWED.len());
    let wrong: Vec<String> = FOLLOWED.par_iter().filter_map(|followed| follow(followed).err()).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), FOLLOWED.len(), wrong.join("\n"));
}

/// Does what the help says in a copy of the case; what is wrong with the outcome.
fn follow(followed: &Followed) -> Result<(), String> {
    let Followed { case, help, edits, command, further } = followed;
    let folder = tree::root().join("tests/golden/errors").join(case);
    let golden = fs::read_to_string(folder.join("expected.txt")).map_err(|error| format!("{case}: {error}"))?;
    let advice = golden.lines().skip(2).map(str::trim).collect::<Vec<_>>().join(" ");
    if !advice.contains(help) {
        return Err(format!("{case}: the page does not say {help:?}: {golden}"));
    }
    let home = tempfile::tempdir().unwrap();
    for file in fs::read_dir(&folder).unwrap().flatten() {
        if file.file_type().is_ok_and(|kind| kind.is_file()) && file.file_name() != "expected.txt" {
            fs::copy(file.path(), home.path().join(file.file_name())).unwrap();
        }
    }
    for (file, from, to) in *edits {
        let path = home.path().join(file);
        let text = fs::read_to_string(&path).unwrap_or_default();
        if !text.contains(from) && *from != *to {
            return Err(format!("{case}: {file} does not hold {from:?}"));
        }
        let text = if from.is_empty() { text + to } else { text.replacen(from, to, 1) };
        fs::write(&path, text).unwrap();
    }
    let cmd = fs::read_to_string(folder.join("cmd")).unwrap();
    let arguments = if command.is_empty() { cmd.lines().next().unwrap_or_default() } else { command };
    let (status, text) = run(home.path(), arguments);
    let first = golden.lines().nth(2).unwrap_or_default();
    match status {
        // What the case needs is not to be had on this machine.
        Some(77) => Ok(()),
        Some(0) => Ok(()),
        _ if !further.is_empty() && text.contains(further) && !text.contains(first) => Ok(()),
        _ => Err(format!("── {case}: {arguments}: {status:?}\n{text}")),
    }
}

fn run(home: &Path, arguments: &str) -> (Option<i32>, String) {
    let program = env!("CARGO_BIN_EXE_digits-rs");
    let mut command = Command::new(if home.join("run.sh").is_file() { "sh" } else { program });
    if home.join("run.sh").is_file() {
        command.arg("run.sh").env("DIGITS", program);
    }
    command.args(arguments.split_whitespace()).current_dir(home).env("NO_COLOR", "1").stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), text)
}
