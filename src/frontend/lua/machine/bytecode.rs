//! Recognises a Lua function that does nothing, by its compiled code: how a frozen layer's
//! `accGradParameters = function() end` is known by its effect, whatever its name, arguments or comments.

use mlua::Function;

/// Length of the header of Lua 5.1's compiled chunks.
const HEADER: usize = 12;
/// Opcode 30 of Lua 5.1: return.
const OP_RETURN: u32 = 30;

/// Whether the function's whole code is `return` without values.
pub(in crate::frontend::lua) fn does_nothing(function: &Function) -> bool {
    only_returns(&function.dump(true)).unwrap_or(false)
}

/// Walks the layout of `lundump.c` (Lua 5.1): header, source name, lines, counts, code.
fn only_returns(dump: &[u8]) -> Option<bool> {
    let size_of_int = usize::from(*dump.get(7)?);
    let size_of_size = usize::from(*dump.get(8)?);
    let mut at = HEADER;
    let name_length = little_endian(dump, at, size_of_size)?;
    at += size_of_size + usize::try_from(name_length).ok()?;
    at += 2 * size_of_int; // first and last line
    at += 4; // upvalues, parameters, vararg flag, stack size
    let instructions = little_endian(dump, at, size_of_int)?;
    at += size_of_int;
    for i in 0..usize::try_from(instructions).ok()? {
        let instruction = u32::try_from(little_endian(dump, at + 4 * i, 4)?).ok()?;
        let (opcode, b) = (instruction & 0x3f, instruction >> 23);
        if opcode != OP_RETURN || b != 1 {
            return Some(false);
        }
    }
    Some(true)
}

fn little_endian(bytes: &[u8], at: usize, size: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(size)?)?;
    Some(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_functions_without_any_effect_do_nothing() {
        let lua = mlua::Lua::new();
        let cases = [
            ("function() end", true),
            ("function(self, input, gradOutput, scale) end", true),
            ("function(...) end", true),
            ("function() return end", true),
            ("function() return 1 end", false),
            ("function(self) self.x = 1 end", false),
            ("function() print('frozen') end", false),
            ("function(self, x) return self end", false),
        ];
        for (text, nothing) in cases {
            let function: Function = lua.load(format!("return {text}")).eval().unwrap();
            assert_eq!(does_nothing(&function), nothing, "{text}");
        }
    }
}
