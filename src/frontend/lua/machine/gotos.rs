//! `Gotos`: what is written in place of each `goto` and label, so that loops and `break` do what they do.
//!
//! What lies between a jump forward and its label becomes `repeat … until true`, which the jump leaves; what lies behind a label that
//! is jumped back to becomes `repeat local again repeat … until true until not again`. A jump that leaves further loops on its way says
//! where it goes in a local, which is asked behind each of them. Lines do not move.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use super::{
    blocks::{Blocks, Form, LABEL},
    operands::Reader,
};

/// More labels than anybody writes into one text.
const MOST_LABELS: usize = 1000;

/// What a text becomes.
pub(super) enum Change {
    /// Behind all tokens before this one; of several, in the order of the second number.
    Before(usize, Order, String),
    /// In place of so many tokens from this one on.
    Instead(usize, usize, String),
}

/// Which of several texts at one place comes first: checks behind a loop and locals of its body, ends of regions from the innermost,
/// begins of regions from the outermost.
type Order = (u8, Reverse<usize>);

/// What is wrong with a `goto` or a label: its token, and LuaJIT's words or ours.
pub(super) struct Complaint {
    pub(super) at: usize,
    pub(super) words: String,
}

/// A part of a block that becomes a loop of its own.
struct Region {
    block: usize,
    /// The first token in it, and the first behind it.
    first: usize,
    end: usize,
    /// The number of its label.
    label: usize,
    /// Whether its label is where it begins.
    is_back: bool,
}

/// What a jump leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Around {
    Region(usize),
    Loop(usize),
}

/// The changes for the jumps of a text whose blocks are whole.
///
/// # Errors
/// A label that is not there or twice there, a jump into the scope of a local, and jumps that cross each other.
pub(super) fn changes(reader: &Reader<'_>, blocks: &Blocks) -> Result<Vec<Change>, Complaint> {
    let mut writer = Writer {
        reader,
        blocks,
        regions: Vec::new(),
        asked: BTreeMap::new(),
        named: BTreeSet::new(),
        prefix: prefix(reader.text),
    };
    let targets = writer.targets()?;
    writer.regions = writer.regions(&targets)?;
    let mut changes = writer.jumps(&targets)?;
    changes.extend(writer.loops());
    Ok(changes)
}

struct Writer<'r> {
    reader: &'r Reader<'r>,
    blocks: &'r Blocks,
    regions: Vec<Region>,
    /// Behind each loop, the targets further out that jumps in it have.
    asked: BTreeMap<Around, BTreeSet<Around>>,
    /// The targets that a local stands for.
    named: BTreeSet<Around>,
    /// What the names of such locals begin with.
    prefix: String,
}

impl Writer<'_> {
    fn complaint(&self, at: usize, words: impl Into<String>) -> Complaint {
        Complaint { at, words: words.into() }
    }

    fn name(&self, at: usize) -> String {
        String::from_utf8_lossy(self.reader.bytes(at)).into_owned()
    }

    /// The block around a place of a block, and the place in it; none around a function.
    fn outside(&self, block: usize) -> Option<(usize, usize)> {
        let compound = &self.blocks.compounds[self.blocks.blocks[block].compound?];
        Some((compound.block, compound.first))
    }

    /// The label of each jump, by the jump's number.
    fn targets(&self) -> Result<HashMap<usize, usize>, Complaint> {
        if let Some(label) = self.blocks.labels.get(MOST_LABELS) {
            return Err(self.complaint(label.at, "too many labels"));
        }
        let mut known = HashMap::new();
        for (number, label) in self.blocks.labels.iter().enumerate() {
            let name = self.reader.bytes(label.at + 2);
            // One of an inner block hides it there.
            if known.insert((label.block, name), number).is_some() {
                return Err(self.complaint(label.at, format!("duplicate label '{}'", self.name(label.at + 2))));
            }
        }
        let mut targets = HashMap::new();
        for (number, jump) in self.blocks.jumps.iter().enumerate() {
            let Some(name) = jump.label else { continue };
            let mut block = jump.block;
            let label = loop {
                if let Some(label) = known.get(&(block, self.reader.bytes(name))) {
                    break *label;
                }
                match self.outside(block) {
                    Some((outer, _)) => block = outer,
                    None => return Err(self.complaint(jump.at, format!("undefined label '{}'", self.name(name)))),
                }
            };
            targets.insert(number, label);
        }
        Ok(targets)
    }

    /// Where the statement of `block` begins that a place of an inner block lies in.
    fn statement(&self, mut inner: usize, mut at: usize, block: usize) -> usize {
        while inner != block {
            let Some((outer, first)) = self.outside(inner) else { break };
            (inner, at) = (outer, first);
        }
        at
    }

    /// Whether nothing but labels and semicolons follows a label in its block, so that no local is in scope behind it.
    fn is_last(&self, label: usize) -> bool {
        let label = &self.blocks.labels[label];
        let block = &self.blocks.blocks[label.block];
        let mut at = label.at;
        while at < block.tokens.end {
            match () {
                () if self.reader.is_sign(at, b';') => at += 1,
                () if self.blocks.labels.binary_search_by_key(&at, |label| label.at).is_ok() => at += LABEL,
                () => return false,
            }
        }
        !self.is_repeat(label.block)
    }

    /// Whether a condition sees the block's locals.
    fn is_repeat(&self, block: usize) -> bool {
        let compound = self.blocks.blocks[block].compound;
        compound.is_some_and(|compound| self.blocks.compounds[compound].form == Form::Repeat)
    }

    /// The name of a local that stands right in a block between two places.
    fn local(&self, block: usize, from: usize, to: usize) -> Option<String> {
        let locals = &self.blocks.blocks[block].locals;
        let next = locals.partition_point(|local| *local < from);
        locals.get(next).filter(|local| **local < to).map(|local| self.name(*local))
    }

    fn regions(&self, targets: &HashMap<usize, usize>) -> Result<Vec<Region>, Complaint> {
        // The first jump forward to each label, and the last one back.
        let mut forward: BTreeMap<usize, usize> = BTreeMap::new();
        let mut back: BTreeMap<usize, usize> = BTreeMap::new();
        for (number, jump) in self.blocks.jumps.iter().enumerate() {
            let Some(number) = targets.get(&number) else { continue };
            let label = &self.blocks.labels[*number];
            let statement = self.statement(jump.block, jump.at, label.block);
            if jump.at > label.at {
                back.insert(*number, statement);
                continue;
            }
            forward.entry(*number).or_insert(statement);
            if !self.is_last(*number)
                && let Some(local) = self.local(label.block, statement, label.at)
            {
                let words = format!("<goto {}> jumps into the scope of local '{local}'", self.name(label.at + 2));
                return Err(self.complaint(jump.at, words));
            }
        }
        let mut regions: Vec<Region> = forward
            .iter()
            .map(|(label, first)| {
                let at = &self.blocks.labels[*label];
                Region { block: at.block, first: *first, end: at.at, label: *label, is_back: false }
            })
            .collect();
        // A region that begins within an earlier one begins with that one.
        for later in 1..regions.len() {
            for earlier in (0..later).rev() {
                let (before, first) = (&regions[earlier], regions[later].first);
                if before.block == regions[later].block && before.first < first && first < before.end {
                    regions[later].first = before.first;
                }
            }
        }
        for (label, last) in back {
            let at = &self.blocks.labels[label];
            let first = at.at + LABEL;
            let whole = self.blocks.blocks[at.block].tokens.end;
            // It ends with the region that it begins in.
            let around = regions.iter().filter(|region| {
                region.block == at.block && !region.is_back && region.first <= at.at && at.at < region.end
            });
            let end = around.map(|region| region.end).min().unwrap_or(whole);
            let hidden = (self.is_repeat(at.block) && end == whole).then(|| self.local(at.block, first, end)).flatten();
            if last >= end || hidden.is_some() {
                let words = format!("this goto back to '{}' is not carried out", self.name(at.at + 2));
                return Err(self.complaint(last, words));
            }
            regions.push(Region { block: at.block, first, end, label, is_back: true });
        }
        Ok(regions)
    }

    /// What each jump becomes. Notes what has to be asked behind which loop.
    fn jumps(&mut self, targets: &HashMap<usize, usize>) -> Result<Vec<Change>, Complaint> {
        let mut of_block: HashMap<usize, Vec<usize>> = HashMap::new();
        for (number, region) in self.regions.iter().enumerate() {
            of_block.entry(region.block).or_default().push(number);
        }
        for regions in of_block.values_mut() {
            regions.sort_by_key(|region| self.regions[*region].end - self.regions[*region].first);
        }
        let mut changes = Vec::new();
        for (number, jump) in self.blocks.jumps.iter().enumerate() {
            let label = targets.get(&number).copied();
            let left = self.left_by(jump.block, jump.at, label, &of_block);
            let Some((target, passed)) = left.split_last() else {
                return Err(self.complaint(jump.at, "no loop to break"));
            };
            let is_back = matches!(target, Around::Region(region) if self.regions[*region].is_back);
            let is_named = is_back || !passed.is_empty();
            if is_named {
                self.named.insert(*target);
            }
            for around in passed {
                self.asked.entry(*around).or_default().insert(*target);
            }
            let end = self.blocks.blocks[jump.block].tokens.end;
            let is_last = jump.at + 1 == end || jump.at + 2 == end && self.reader.is_sign(jump.at + 1, b';');
            if label.is_none() && !is_named && is_last {
                continue;
            }
            let says = if is_named { format!("{} = true ", self.local_of(*target)) } else { String::new() };
            let tokens = if label.is_some() { 2 } else { 1 };
            changes.push(Change::Instead(jump.at, tokens, format!("do {says}break end")));
        }
        Ok(changes)
    }

    /// What a jump leaves, from the inside; its target last. Empty for a `break` outside of loops.
    fn left_by(
        &self,
        mut block: usize,
        mut at: usize,
        label: Option<usize>,
        of_block: &HashMap<usize, Vec<usize>>,
    ) -> Vec<Around> {
        let mut left = Vec::new();
        let is_back = label.is_some_and(|label| at > self.blocks.labels[label].at);
        loop {
            for number in of_block.get(&block).into_iter().flatten() {
                let region = &self.regions[*number];
                if region.first <= at && at < region.end {
                    left.push(Around::Region(*number));
                    if label == Some(region.label) && is_back == region.is_back {
                        return left;
                    }
                }
            }
            let Some(compound) = self.blocks.blocks[block].compound else { return Vec::new() };
            if self.blocks.compounds[compound].is_loop() {
                left.push(Around::Loop(compound));
                if label.is_none() {
                    return left;
                }
            }
            (block, at) = (self.blocks.compounds[compound].block, self.blocks.compounds[compound].first);
        }
    }

    /// The loops around regions, and what is asked behind loops.
    fn loops(&self) -> Vec<Change> {
        let mut changes = Vec::new();
        for (number, region) in self.regions.iter().enumerate() {
            let this = Around::Region(number);
            let local =
                if self.named.contains(&this) { format!("local {};", self.local_of(this)) } else { String::new() };
            let checks = self.checks(this);
            let (begin, end) = if region.is_back {
                (
                    format!(" repeat {local} repeat"),
                    format!(" until true {checks}until not {} {checks}", self.local_of(this)),
                )
            } else {
                (format!(" repeat {local}"), format!(" until true {checks}"))
            };
            changes.push(Change::Before(region.first, (2, Reverse(region.end)), begin));
            changes.push(Change::Before(region.end, (1, Reverse(region.first)), end));
        }
        for around in &self.named {
            if let Around::Loop(compound) = around {
                let body = self.blocks.compounds[*compound].body;
                changes.push(Change::Before(body, (0, Reverse(0)), format!(" local {};", self.local_of(*around))));
            }
        }
        for around in self.asked.keys() {
            if let Around::Loop(compound) = around {
                let behind = self.blocks.compounds[*compound].last + 1;
                changes.push(Change::Before(behind, (0, Reverse(0)), format!(" {}", self.checks(*around))));
            }
        }
        changes.extend(self.blocks.labels.iter().map(|label| Change::Instead(label.at, LABEL, " ".into())));
        changes
    }

    /// `if to3 then break end`, for each target of the jumps that leave a loop on their way.
    fn checks(&self, around: Around) -> String {
        let asked = self.asked.get(&around).into_iter().flatten();
        asked.map(|target| format!("if {} then break end ", self.local_of(*target))).collect()
    }

    /// The local that says that a jump is on its way to a target.
    fn local_of(&self, target: Around) -> String {
        match target {
            Around::Region(number) => format!("{}{number}", self.prefix),
            Around::Loop(number) => format!("{}_{number}", self.prefix),
        }
    }
}

/// The start of names that the text does not have.
fn prefix(text: &[u8]) -> String {
    let mut prefix = "goto_".to_string();
    while text.windows(prefix.len()).any(|window| window == prefix.as_bytes()) {
        prefix.push('_');
    }
    prefix
}
