//! `torch.Timer` as a Lua value.

use std::{cell::RefCell, time::Instant};

use mlua::{AnyUserData, Lua, Table, Value};

/// A stopwatch: wall-clock and processor time since it started, without the time it was stopped.
#[derive(Debug)]
pub struct LuaTimer(RefCell<Watch>);

#[derive(Debug, Clone)]
struct Watch {
    since: Option<(Instant, [f64; 2])>,
    /// Real, user and system seconds up to the last stop.
    kept: [f64; 3],
}

impl Watch {
    fn start() -> Watch {
        Watch { since: Some((Instant::now(), processor_seconds())), kept: [0.0; 3] }
    }

    fn read(&self) -> [f64; 3] {
        let Some((start, [user, system])) = self.since else { return self.kept };
        let [user_now, system_now] = processor_seconds();
        [
            self.kept[0] + start.elapsed().as_secs_f64(),
            self.kept[1] + user_now - user,
            self.kept[2] + system_now - system,
        ]
    }
}

impl LuaTimer {
    /// `torch.Timer()`: running.
    pub(super) fn started(lua: &Lua) -> mlua::Result<Value> {
        Ok(Value::UserData(lua.create_userdata(LuaTimer(RefCell::new(Watch::start())))?))
    }
}

/// User and system seconds of this process.
pub(super) fn processor_seconds() -> [f64; 2] {
    // The 14th and 15th field of /proc/self/stat, in ticks of a hundredth of a second; after the name in brackets.
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let mut fields = text.rsplit(')').next().unwrap_or("").split_whitespace().skip(11);
    let mut seconds = || fields.next().and_then(|ticks| ticks.parse::<f64>().ok()).unwrap_or(0.0) / 100.0;
    [seconds(), seconds()]
}

/// Puts `time`, `stop`, `resume` and `reset` into the timer's class table.
pub(super) fn install(lua: &Lua, class: &Table) -> mlua::Result<()> {
    class.raw_set(
        "time",
        lua.create_function(|lua, this: AnyUserData| {
            let [real, user, sys] = this.borrow::<LuaTimer>()?.0.borrow().read();
            let table = lua.create_table()?;
            table.raw_set("real", real)?;
            table.raw_set("user", user)?;
            table.raw_set("sys", sys)?;
            Ok(table)
        })?,
    )?;
    let change = |f: fn(&mut Watch)| {
        lua.create_function(move |_, this: AnyUserData| {
            f(&mut this.borrow::<LuaTimer>()?.0.borrow_mut());
            Ok(this)
        })
    };
    class.raw_set(
        "stop",
        change(|watch| {
            watch.kept = watch.read();
            watch.since = None;
        })?,
    )?;
    class.raw_set(
        "resume",
        change(|watch| {
            if watch.since.is_none() {
                watch.since = Watch::start().since;
            }
        })?,
    )?;
    class.raw_set(
        "reset",
        change(|watch| {
            let running = watch.since.is_some();
            *watch = Watch::start();
            if !running {
                watch.since = None;
            }
        })?,
    )
}
