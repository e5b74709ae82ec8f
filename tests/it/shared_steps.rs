//! The steps that several processes share: the numbers of one process with the whole batch, and the same bits twice.

use std::{
    fs,
    time::{Duration, Instant},
};

use digits::job::{EventKind, JobView, Status};

use crate::{
    distributed::{bits, classifier, losses, state, with_network, words},
    job::{program, well, workshop},
};

/// The largest difference, as a share of the largest number of its tensor.
fn apart(one: &[(String, Vec<f64>)], other: &[(String, Vec<f64>)]) -> f64 {
    assert_eq!(one.len(), other.len());
    let mut most = 0f64;
    for ((name, a), (other_name, b)) in one.iter().zip(other) {
        assert_eq!((name, a.len()), (other_name, b.len()));
        let largest = a.iter().fold(1e-30f64, |largest, number| largest.max(number.abs()));
        most = a.iter().zip(b).fold(most, |most, (a, b)| most.max((a - b).abs() / largest));
    }
    most
}

/// One process with batches of 12·`parts`, and `parts` processes with 12 each, of `network`: how far apart they end.
fn compared(network: &str, parts: u64, arguments: &str) -> f64 {
    apart_of("net.lua", network, (parts, 12), arguments)
}

/// One process with the whole batch, and `parts` processes with `share` of it each, of the network file of this name: how far
/// apart they end.
fn apart_of(file: &str, network: &str, (parts, share): (u64, u64), arguments: &str) -> f64 {
    let folder = workshop();
    let path = folder.path();
    fs::write(path.join(file), network).unwrap();
    let common = format!("--double --autograd --device cpu --epochs 1 --snapshot-interval 0 {arguments}");
    well(path, &format!("run {file} --job one --batch-size {} {common}", share * parts));
    well(path, &format!("run {file} --job many --processes {parts} --batch-size {share} {common}"));
    let (one, many) = (losses(&path.join("one")), losses(&path.join("many")));
    assert_eq!(one.len(), many.len());
    for ((kind, at, loss), (other_kind, other_at, other_loss)) in one.into_iter().zip(many) {
        assert_eq!((kind, at), (other_kind, other_at));
        // Validation batches are as large as a rank's share: their mean is another one.
        let is_same = (loss - other_loss).abs() <= 1e-10 * loss.abs();
        assert!(is_same || kind == EventKind::Validation, "{kind:?} {at}: {loss} {other_loss}");
    }
    apart(&state(&path.join("one")), &state(&path.join("many")))
}

#[test]
fn two_processes_come_to_the_weights_of_one_and_to_the_same_bits_twice() {
    // 7,500 train records in batches of 24: 313 steps, the last of 12 records.
    let network = classifier("loss = nn.ClassNLLCriterion()", "");
    assert!(compared(&network, 2, "--solver sgd --lr 0.1") < 1e-12);
    let folder = with_network(&network);
    let run = "--processes 2 --device cpu --epochs 1 --aug-flip fliplr --snapshot-interval 0.5";
    for job in ["a", "b"] {
        well(folder.path(), &format!("run net.lua --job {job} {run}"));
    }
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    assert_eq!(bits(&state(&a)), bits(&state(&b)));
    assert_eq!(losses(&a), losses(&b));
    let job = JobView::open(&a).unwrap().record().unwrap();
    assert_eq!((job.status, job.settings["shares"].as_u64()), (Status::Done, Some(2)));
    assert!(fs::read_dir(&a).unwrap().flatten().all(|file| !file.file_name().to_string_lossy().starts_with("rank-")));
}

#[test]
fn three_processes_and_criteria_of_every_kind() {
    // A sum; class weights, which the parts alone do not tell; a penalty that averages; a criterion of the user's own.
    let sum = classifier("loss = nn.ClassNLLCriterion(nil, false)", "");
    assert!(compared(&sum, 3, "--solver nag --lr 0.001") < 1e-12);
    let weighted = "loss = nn.ClassNLLCriterion(torch.range(1, 10))";
    assert!(compared(&classifier(weighted, ":add(nn.L1Penalty(0.01, true))"), 3, "--solver adam --lr 0.01") < 1e-11);
    let own = "do local class, parent = torch.class('Own', 'nn.Criterion')\n\
        function class:__init() parent.__init(self); self.nll = nn.ClassNLLCriterion() end\n\
        function class:updateOutput(x, t)\n\
          self.output = self.nll:updateOutput(x, t) + x[1][1] * 0.01; return self.output end\n\
        function class:updateGradInput(x, t)\n\
          self.gradInput = self.nll:updateGradInput(x, t):clone(); self.gradInput[1][1] = self.gradInput[1][1] + 0.01\n\
          return self.gradInput end end\n\
        loss = Own()";
    // It looks at the first sample alone: only the whole batch gives that.
    assert!(compared(&classifier(own, ""), 2, "--solver rmsprop --lr 0.001") < 1e-11);
}

#[test]
fn a_batch_of_fewer_samples_than_processes_leaves_some_without() {
    // 7,500 records in batches of 3,749: the last one has 2, of which rank 0 of 3 has none.
    for loss in ["loss = nn.ClassNLLCriterion()", "loss = nn.ClassNLLCriterion(torch.range(1, 10))"] {
        let folder = with_network(&classifier(loss, ""));
        let common = "--double --autograd --device cpu --epochs 2 --snapshot-interval 0 --batch-size 3749 --lr 0.1";
        well(folder.path(), &format!("run net.lua --job one {common}"));
        well(folder.path(), &format!("run net.lua --job three --processes 3 --global-batch {common}"));
        let (one, three) = (folder.path().join("one"), folder.path().join("three"));
        assert_eq!(losses(&one).last().unwrap().1, 6);
        assert!(apart(&state(&one), &state(&three)) < 1e-12);
        let (one, three) = (losses(&one), losses(&three));
        for ((kind, at, loss), (other_kind, other_at, other_loss)) in one.into_iter().zip(three) {
            assert_eq!((kind, at), (other_kind, other_at));
            // The same batches, validations among them.
            assert!((loss - other_loss).abs() <= 1e-12 * loss.abs(), "{kind:?} {at}: {loss} {other_loss}");
        }
    }
}

#[test]
fn running_statistics_are_averaged_and_a_job_goes_on_in_another_number_of_processes() {
    let network = classifier("loss = nn.ClassNLLCriterion()", ":add(nn.BatchNormalization(16))");
    let folder = with_network(&network);
    let path = folder.path();
    let common = "--double --device cpu --snapshot-interval 0";
    well(path, &format!("run net.lua --job j --processes 2 --epochs 1 {common}"));
    let two = state(&path.join("j"));
    let mean = two.iter().find(|(name, _)| name.ends_with("running_mean")).unwrap();
    assert!(mean.1.iter().any(|mean| mean.abs() > 1e-3), "{mean:?}");
    // Where nothing is learned, the mean of the parts' means is the mean of one process with the whole batch.
    let still = "--double --autograd --device cpu --epochs 1 --snapshot-interval 0 --validation-interval 0 --lr 0";
    well(path, &format!("run net.lua --job whole --batch-size 500 {still}"));
    well(path, &format!("run net.lua --job parts --batch-size 250 --processes 2 {still}"));
    let means = |job: &str| -> Vec<_> {
        state(&path.join(job)).into_iter().filter(|(name, _)| name.ends_with("running_mean")).collect()
    };
    assert!(apart(&means("whole"), &means("parts")) < 1e-12);
    // One process goes on with the batches of two.
    let words = well(path, "run --resume j --epochs 2");
    assert!(words.contains("batch size 24 (2 x 12)"), "{words}");
    well(path, &format!("run net.lua --job k --processes 2 --epochs 2 {common}"));
    let steps = |job: &str| losses(&path.join(job)).last().unwrap().1;
    assert_eq!((steps("j"), steps("k")), (2 * 313, 2 * 313));
}

/// A module in Lua with a parameter, a layer that learns nothing, a penalty, and two outputs; LOSS is for the table of both.
const TWO_HEADED: &str = "do local class, parent = torch.class('Own', 'nn.Module')\n\
    function class:__init() parent.__init(self); self.weight = torch.ones(1):mul(0.5); self.gradWeight = torch.zeros(1) end\n\
    function class:updateOutput(x) self.output = x * self.weight[1]; return self.output end\n\
    function class:updateGradInput(x, g) self.gradInput = g * self.weight[1]; return self.gradInput end\n\
    function class:accGradParameters(x, g, scale) self.gradWeight:add((scale or 1) * torch.cmul(x, g):sum()) end end\n\
    local frozen = nn.Linear(784, 12); frozen.accGradParameters = function() end\n\
    local net = nn.Sequential():add(nn.MulConstant(0.00390625)):add(nn.View(-1):setNumInputDims(3)):add(Own()):add(frozen)\n\
    net:add(nn.Tanh()):add(nn.L1Penalty(0.001)):add(nn.ConcatTable()\n\
      :add(nn.Sequential():add(nn.Linear(12, 10)):add(nn.LogSoftMax())):add(nn.Linear(12, 1)))\n\
    local function hook(input, labels)\n\
      return {labels, input:view(input:size(1), -1):mean(2):div(255)}\n\
    end\n\
    return { model = net, loss = LOSS, labelHook = hook, validationBatchSize = 500 }\n";

#[test]
fn hooks_lua_modules_frozen_layers_several_criteria_and_augmentation() {
    let averages = "nn.ParallelCriterion():add(nn.ClassNLLCriterion()):add(nn.MSECriterion(), 0.5)";
    let arguments = "--solver adagrad --lr 0.02 --aug-flip fliplr --subtract-mean none";
    assert!(apart_of("net.lua", &TWO_HEADED.replace("LOSS", averages), (2, 150), arguments) < 1e-11);
    // One of them sums: only the whole batch tells the loss.
    let mixed = "nn.ParallelCriterion():add(nn.ClassNLLCriterion()):add(nn.SmoothL1Criterion(false), 0.01)";
    let arguments = "--solver adadelta --lr 0.1 --subtract-mean none";
    assert!(apart_of("net.lua", &TWO_HEADED.replace("LOSS", mixed), (3, 100), arguments) < 1e-11);
}

/// Two losses that pull at each other, each with parameters of its own, and a hook for their gradients.
const ADVERSARIES: &str = "from model import Tower
from utils import model_property
import tensorflow as tf
import tensorflow.contrib.slim as slim
import utils as digits

class UserModel(Tower):

    @model_property
    def inference(self):
        x = slim.flatten(self.x * 0.00390625)
        self.made = slim.fully_connected(x, 8, activation_fn=tf.nn.tanh, scope='maker')
        return slim.fully_connected(self.made, self.nclasses, activation_fn=None, scope='judge')

    @model_property
    def loss(self):
        judged = digits.classification_loss(self.inference, self.y)
        variables = tf.trainable_variables()
        of = lambda name: [variable for variable in variables if name in variable.name]
        return [{'loss': judged, 'vars': of('judge')},
                {'loss': tf.reduce_mean(tf.square(self.made)) - 0.1 * judged, 'vars': of('maker')}]

    def gradientUpdate(self, gradients):
        return [(tf.clip_by_norm(gradient, 0.05), variable) for gradient, variable in gradients]
";

#[test]
fn two_losses_of_a_tensorflow_file_take_their_turns_in_every_process() {
    assert!(apart_of("net.py", ADVERSARIES, (2, 150), "--solver adam --lr 0.01") < 1e-11);
}

#[test]
fn the_generative_adversarial_network_trains_in_two_processes() {
    let folder = workshop();
    let network = crate::tree::root().join("networks/gan.py");
    let run = format!(
        "run {} --processes 2 --batch-size 125 --device cpu --epochs 1 --subtract-mean none --train-db datasets/mnist-sample/val_db",
        network.display()
    );
    for job in ["a", "b"] {
        well(folder.path(), &format!("{run} --job {job}"));
    }
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    assert_eq!(bits(&state(&a)), bits(&state(&b)));
    assert!(losses(&a).iter().all(|(_, _, loss)| loss.is_finite()));
}

#[test]
fn a_hook_that_gives_ranks_different_shapes_is_a_page_of_all() {
    // A criterion of the user's own gets the whole batch: the parts are brought together, and one has a column more.
    let text = "do local class, parent = torch.class('Any', 'nn.Criterion')\n\
          function class:updateOutput(x, t) self.output = x:sum() * 1e-6; return self.output end\n\
          function class:updateGradInput(x, t) self.gradInput = x:clone():fill(1e-6); return self.gradInput end end\n\
        local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(784, 3))\n\
        local function hook(input, labels) return torch.ones(input:size(1), input:sum() % 2 == 0 and 3 or 4) end\n\
        return { model = net, loss = Any(), labelHook = hook, trainBatchSize = 4 }\n";
    let folder = with_network(text);
    let run = "run net.lua --job j --device cpu --processes 2 --subtract-mean none --timeout 30";
    let begun = Instant::now();
    let output = program(folder.path(), &run.split(' ').collect::<Vec<_>>()).output().unwrap();
    let words = words(&output);
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(words.contains("the target of rank 1 is no part of the others' batch"), "{words}");
    assert!(begun.elapsed() < Duration::from_secs(25), "{words}");
}
