//! Survives a mapped file that loses its end: the touched map becomes zeros instead of the process's death.
//!
//! A server's log may be truncated (logrotate's `copytruncate`) while it is mapped. Touching a page beyond the new
//! end raises SIGBUS (mmap(2)). The handler here looks whether the address lies in a map that was registered,
//! puts zero pages over the rest of that map, and notes from where on. Any other fault goes to whoever handled
//! the signal before.

pub use imp::{Watch, watch};

#[cfg(unix)]
#[allow(unsafe_code)]
mod imp {
    use std::mem::{MaybeUninit, size_of};
    use std::ptr;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use libc::{c_int, c_void, sigaction, siginfo_t};

    /// Maps that can be watched at the same time. A process may open 1024 files on most systems; what is beyond is
    /// refused, and its file copied instead of mapped.
    const SLOTS: usize = 8192;

    /// What [`Slot::lost`] holds while nothing is lost.
    const NOTHING_LOST: usize = usize::MAX;

    /// A watched map. A signal handler may take no lock, so these are atomics that are written in a fixed order.
    struct Slot {
        taken: AtomicBool,
        /// First address; 0 while the slot is not in use.
        start: AtomicUsize,
        /// First address behind it, rounded up to a page.
        end: AtomicUsize,
        /// Offset of the first page that was replaced.
        lost: AtomicUsize,
    }

    static MAPS: [Slot; SLOTS] = [const {
        Slot {
            taken: AtomicBool::new(false),
            start: AtomicUsize::new(0),
            end: AtomicUsize::new(0),
            lost: AtomicUsize::new(NOTHING_LOST),
        }
    }; SLOTS];

    /// What stands behind the handler: the size of a page, and who handled the signal before.
    struct Installed {
        page: usize,
        before: sigaction,
    }

    static INSTALLED: OnceLock<Option<Installed>> = OnceLock::new();

    /// A registered map; dropping it ends the watch, which must happen before the map itself goes.
    #[derive(Debug)]
    pub struct Watch(usize);

    impl Watch {
        /// From which offset on the map holds zeros instead of the file's bytes, if it does.
        pub fn lost_from(&self) -> Option<usize> {
            let lost = MAPS[self.0].lost.load(Ordering::Acquire);
            (lost != NOTHING_LOST).then_some(lost)
        }
    }

    impl Drop for Watch {
        fn drop(&mut self) {
            let slot = &MAPS[self.0];
            slot.start.store(0, Ordering::Release);
            slot.end.store(0, Ordering::Release);
            slot.taken.store(false, Ordering::Release);
        }
    }

    /// Watches `map`, which must be a whole read-only file map. `None` when no handler can be installed, or when
    /// too many maps are watched: then the file is better read than mapped.
    pub fn watch(map: &[u8]) -> Option<Watch> {
        let page = INSTALLED.get_or_init(install).as_ref()?.page;
        let start = map.as_ptr() as usize;
        let end = start + map.len().next_multiple_of(page);
        let free = |slot: &&Slot| {
            let take =
                slot.taken
                    .compare_exchange(false, true, Ordering::AcqRel, Ordering::Relaxed);
            take.is_ok()
        };
        let (index, slot) = MAPS.iter().enumerate().find(|(_, slot)| free(slot))?;
        slot.lost.store(NOTHING_LOST, Ordering::Release);
        slot.end.store(end, Ordering::Release);
        slot.start.store(start, Ordering::Release);
        Some(Watch(index))
    }

    /// Installs the handler, once in the life of the process.
    fn install() -> Option<Installed> {
        // SAFETY: sysconf takes no pointer. `sigaction` is plain data for which zeros are valid; both pointers
        // point at live values of that type; the handler does only what a signal handler may do.
        unsafe {
            let page = usize::try_from(libc::sysconf(libc::_SC_PAGESIZE)).ok()?;
            let mut action: sigaction = MaybeUninit::zeroed().assume_init();
            action.sa_sigaction = on_fault as *const () as usize;
            // Rust gives its threads a stack for signals, and the handler before this one may need it.
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigemptyset(&mut action.sa_mask);
            let mut before: sigaction = MaybeUninit::zeroed().assume_init();
            let told = libc::sigaction(libc::SIGBUS, &action, &mut before);
            (told == 0 && page.is_power_of_two()).then_some(Installed { page, before })
        }
    }

    /// The handler. Uses atomics and mmap only: no lock, no allocation.
    extern "C" fn on_fault(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        // SAFETY: the kernel hands over a valid siginfo_t (sigaction(2), SA_SIGINFO).
        let address = unsafe { (*info).si_addr() } as usize;
        // Maps are watched after the handler is installed, and so this is set when one of them faults.
        let installed = INSTALLED.get().and_then(Option::as_ref);
        if installed.is_some_and(|installed| blank(address, installed.page)) {
            return;
        }
        match installed {
            Some(installed) => hand_on(&installed.before, signal, info, context),
            None => die(signal),
        }
    }

    /// Puts zeros over what is left of the watched map around `address`; false if there is none.
    fn blank(address: usize, page: usize) -> bool {
        let around = MAPS.iter().find(|slot| {
            let start = slot.start.load(Ordering::Acquire);
            start != 0 && (start..slot.end.load(Ordering::Acquire)).contains(&address)
        });
        let Some(slot) = around else {
            return false;
        };
        let start = slot.start.load(Ordering::Acquire);
        let from = address & !(page - 1);
        let len = slot.end.load(Ordering::Acquire).saturating_sub(from);
        slot.lost.fetch_min(from - start, Ordering::AcqRel);
        // SAFETY: `from..from + len` is the end of a map that `watch` was given and that is alive, because its
        // owner drops the watch first. Private zero pages of the same protection take its place; whoever reads them
        // sees other bytes than before, which readers of a file that others write must expect anyway.
        let mapped = unsafe {
            libc::mmap(
                from as *mut c_void,
                len,
                libc::PROT_READ,
                libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_FIXED,
                -1,
                0,
            )
        };
        mapped != libc::MAP_FAILED
    }

    /// Leaves the fault to the handler before this one.
    fn hand_on(before: &sigaction, signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
        let handler = before.sa_sigaction;
        if handler == libc::SIG_DFL || handler == libc::SIG_IGN {
            return die(signal);
        }
        debug_assert_eq!(size_of::<usize>(), size_of::<extern "C" fn(c_int)>());
        // SAFETY: sigaction(2) returned this handler, and its flags say which of both signatures it has.
        unsafe {
            if before.sa_flags & libc::SA_SIGINFO != 0 {
                type Handler = extern "C" fn(c_int, *mut siginfo_t, *mut c_void);
                std::mem::transmute::<usize, Handler>(handler)(signal, info, context);
            } else {
                std::mem::transmute::<usize, extern "C" fn(c_int)>(handler)(signal);
            }
        }
    }

    /// Restores the signal's default; the fault happens again on return and ends the process as it would have.
    fn die(signal: c_int) {
        // SAFETY: as in `install`.
        unsafe {
            let mut default: sigaction = MaybeUninit::zeroed().assume_init();
            default.sa_sigaction = libc::SIG_DFL;
            libc::sigaction(signal, &default, ptr::null_mut());
        }
    }
}

#[cfg(not(unix))]
mod imp {
    //! Where a mapped file cannot be shortened by others (Windows refuses it), there is nothing to watch.

    /// A registered map.
    #[derive(Debug)]
    pub struct Watch;

    impl Watch {
        /// Nothing is ever lost.
        pub fn lost_from(&self) -> Option<usize> {
            None
        }
    }

    /// Watches nothing.
    pub fn watch(_map: &[u8]) -> Option<Watch> {
        Some(Watch)
    }
}
