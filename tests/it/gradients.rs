//! `check --gradients`: what it finds in right and wrong gradients of Lua code; the pages of wrong ones are goldens
//! (`tests/golden/errors/wrong_gradient`, `wrong_criterion_gradient`).

use std::fs;

use crate::job::{ended, well, workshop};

/// Modules with a right backward of their own: in a sequence, in an nngraph, over a table; with noise; a frozen one; a
/// module of nn with one method replaced; a criterion.
const RIGHT: &str = "require 'nngraph'\n\
    local Square = torch.class('nn.OwnSquare', 'nn.Module')\n\
    function Square:updateOutput(x) self.output = torch.cmul(x, x); return self.output end\n\
    function Square:updateGradInput(x, g) self.gradInput = torch.cmul(x, g) * 2; return self.gradInput end\n\
    local Scale, parent = torch.class('nn.OwnScale', 'nn.Module')\n\
    function Scale:__init(n) parent.__init(self)\n\
      self.weight = torch.randn(n); self.gradWeight = torch.zeros(n) end\n\
    function Scale:updateOutput(x) self.output = torch.cmul(x, self.weight:view(1, -1):expandAs(x)); return self.output end\n\
    function Scale:updateGradInput(x, g)\n\
      self.gradInput = torch.cmul(g, self.weight:view(1, -1):expandAs(g)); return self.gradInput end\n\
    function Scale:accGradParameters(x, g, scale) self.gradWeight:add(scale, torch.cmul(x, g):sum(1):view(-1)) end\n\
    local Product = torch.class('nn.OwnProduct', 'nn.Module')\n\
    function Product:updateOutput(x) self.output = torch.cmul(x[1], x[2]); return self.output end\n\
    function Product:updateGradInput(x, g)\n\
      self.gradInput = {torch.cmul(x[2], g), torch.cmul(x[1], g)}; return self.gradInput end\n\
    local Noise = torch.class('nn.OwnNoise', 'nn.Module')\n\
    function Noise:updateOutput(x) self.output = x + torch.randn(x:size()):typeAs(x); return self.output end\n\
    function Noise:updateGradInput(x, g) self.gradInput = g:clone(); return self.gradInput end\n\
    local Loss = torch.class('nn.OwnLoss', 'nn.Criterion')\n\
    function Loss:updateOutput(x, t) self.output = torch.pow(x - t, 2):mean(); return self.output end\n\
    function Loss:updateGradInput(x, t) self.gradInput = (x - t) * (2 / x:nElement()); return self.gradInput end\n\
    return function(params)\n\
      local view = nn.View(-1):setNumInputDims(3)\n\
      local x = nn.Identity()()\n\
      local a = nn.OwnSquare()(nn.Linear(16, 6)(x))\n\
      local b = nn.OwnScale(6)(nn.Tanh()(nn.Linear(16, 6)(x)))\n\
      local part = nn.gModule({x}, {nn.OwnProduct()({a, b})})\n\
      local tanh = nn.Tanh()\n\
      function tanh:updateGradInput(x, g)\n\
        self.gradInput = torch.cmul(g, torch.cmul(self.output, self.output) * -1 + 1); return self.gradInput end\n\
      local net = nn.Sequential():add(view):add(part):add(tanh):add(nn.OwnNoise())\n\
      return { model = net, loss = nn.OwnLoss() }\n\
    end\n";

#[test]
fn right_gradients_of_lua_code_are_found_right() {
    let folder = workshop();
    fs::write(folder.path().join("own.lua"), RIGHT).unwrap();
    let text = well(folder.path(), "check own.lua --gradients --input-shape 1x4x4 --json");
    let found: serde_json::Value = serde_json::from_str(&text).unwrap();
    let all = found["gradients"].as_array().unwrap();
    let names: Vec<(&str, Vec<&str>)> = all
        .iter()
        .map(|one| {
            let gradients = one["gradients"].as_array().unwrap();
            (one["module"].as_str().unwrap(), gradients.iter().map(|g| g["name"].as_str().unwrap()).collect())
        })
        .collect();
    for (module, gradients) in [
        ("nn.OwnSquare", vec!["gradInput"]),
        ("nn.OwnScale", vec!["gradInput", "weight"]),
        ("nn.OwnProduct", vec!["gradInput[1]", "gradInput[2]"]),
        ("nn.Tanh", vec!["gradInput"]),
        ("nn.OwnNoise", vec![]),
        ("nn.OwnLoss", vec!["gradInput"]),
    ] {
        assert!(names.contains(&(module, gradients)), "{module} in {names:?}");
    }
    assert_eq!(all.len(), 6, "{names:?}");
    for one in all {
        for gradient in one["gradients"].as_array().unwrap() {
            assert!(gradient["relative_error"].as_f64().unwrap() < 1e-5, "{one}");
            assert_ne!(gradient["backward"].as_f64(), Some(0.0), "{one}");
        }
        let is_noise = one["module"] == "nn.OwnNoise";
        assert_eq!(one["skipped"].as_str().is_some_and(|why| why.contains("noise")), is_noise, "{one}");
        assert!(one["place"].as_str().unwrap().starts_with("own.lua:"), "{one}");
    }
    let text = well(folder.path(), "check own.lua --gradients --input-shape 1x4x4");
    assert!(text.contains("nn.OwnScale") && text.contains("not compared: it gives another output"), "{text}");
    let text = well(folder.path(), "check net.lua --gradients");
    assert!(text.contains("no module and no criterion of this network has a backward of its own"), "{text}");
}

#[test]
fn one_wrong_entry_among_many_is_found() {
    let folder = workshop();
    // Of 784 derivatives one, at a place of no meaning, is wrong by a hundredth.
    let network = "local Own = torch.class('nn.Own', 'nn.Module')\n\
        function Own:updateOutput(x) self.output = torch.sin(x); return self.output end\n\
        function Own:updateGradInput(x, g) self.gradInput = torch.cmul(torch.cos(x), g)\n\
          self.gradInput[2][397] = self.gradInput[2][397] * 1.01 + WRONG; return self.gradInput end\n\
        return { model = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Own()) }\n";
    fs::write(folder.path().join("own.lua"), network.replace("WRONG", "0.3")).unwrap();
    let (good, text) = ended(folder.path(), "check own.lua --gradients --input-shape 1x28x28");
    assert!(!good && text.contains("all entries along one direction"), "{text}");
    fs::write(folder.path().join("own.lua"), network.replace("* 1.01 + WRONG", "* 1")).unwrap();
    well(folder.path(), "check own.lua --gradients --input-shape 1x28x28");
}
