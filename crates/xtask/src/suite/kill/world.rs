//! The two sides of the kill suite: random edits, what stands where, and what must hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::super::sides::{CONTENT, fingerprint, nothing_stray, said, same, walk};
use crate::random::Random;

/// Fewest entries to have before anything is deleted, so that no guard is right to ask.
const ENTRIES_MIN: usize = 60;

/// Most entries deleted in a round; a guard asks above ten.
const DELETES_MAX: usize = 4;

/// A side of the pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Left,
    Right,
}

/// Fingerprints of contents: length and hash.
pub(super) type Contents = BTreeSet<(u64, u64)>;

/// Two sides and the state of the manager.
#[derive(Debug)]
pub(super) struct World {
    base: PathBuf,
    /// One side.
    pub(super) left: PathBuf,
    /// The other side.
    pub(super) right: PathBuf,
    /// `SYNCMGR_HOME`.
    pub(super) home: PathBuf,
    /// Files by path, as they will be once both sides are equal.
    files: BTreeSet<String>,
    /// Paths edited since both sides were equal: editing one on both sides would be a true conflict.
    touched: BTreeMap<String, Side>,
    /// Numbers every content, so that no two are the same.
    counter: u64,
}

impl World {
    /// Makes an empty pair below a directory that does not exist yet.
    pub(super) fn new(base: &Path) -> Result<Self> {
        let world = Self {
            base: base.to_path_buf(),
            left: base.join("left"),
            right: base.join("right"),
            home: base.join("home"),
            files: BTreeSet::new(),
            touched: BTreeMap::new(),
            counter: 0,
        };
        for directory in [&world.left, &world.right, &world.home] {
            fs::create_dir_all(directory)?;
        }
        Ok(world)
    }

    /// Removes everything.
    pub(super) fn remove(self) -> Result<()> {
        fs::remove_dir_all(&self.base)
            .with_context(|| format!("could not remove {}", self.base.display()))
    }

    /// Where the output of the program goes.
    pub(super) fn said_path(&self) -> PathBuf {
        self.base.join("said")
    }

    /// What the program said last.
    pub(super) fn said(&self) -> String {
        said(&self.said_path())
    }

    /// Both sides are equal again: every path may be edited on either side.
    pub(super) fn settled(&mut self) {
        self.touched.clear();
    }

    fn root(&self, side: Side) -> &Path {
        match side {
            Side::Left => &self.left,
            Side::Right => &self.right,
        }
    }

    /// Edits both sides at random, never the same path on both.
    pub(super) fn edit(&mut self, random: &mut Random) -> Result<()> {
        let edits = 10 + random.below(50);
        let mut deletes = 0;
        for _ in 0..edits {
            let side = if random.below(2) == 0 {
                Side::Left
            } else {
                Side::Right
            };
            let few = self.files.len() < ENTRIES_MIN;
            match random.below(10) {
                _ if few => self.add(side, random)?,
                0..=3 => self.add(side, random)?,
                4..=6 => self.overwrite(side, random)?,
                7 => self.change_mode(side, random)?,
                _ if deletes < DELETES_MAX => {
                    deletes += 1;
                    if random.below(2) == 0 {
                        self.delete(side, random)?
                    } else {
                        self.rename(side, random)?
                    }
                }
                _ => self.add(side, random)?,
            }
        }
        Ok(())
    }

    fn add(&mut self, side: Side, random: &mut Random) -> Result<()> {
        self.counter += 1;
        let path = format!(
            "d{}/e{}/f{:05} \u{e9}.dat",
            random.below(6),
            random.below(4),
            self.counter
        );
        let full = self.root(side).join(&path);
        if let Some(directory) = full.parent() {
            fs::create_dir_all(directory)?;
        }
        if random.below(12) == 0 && link(&format!("nowhere-{}", self.counter), &full)? {
            // A link stands for itself; it is compared, but its target is nothing to lose.
        } else {
            self.write(&full, random)?;
        }
        self.files.insert(path.clone());
        self.touched.insert(path, side);
        Ok(())
    }

    fn write(&mut self, full: &Path, random: &mut Random) -> Result<()> {
        self.counter += 1;
        // Mostly small files, some of several blocks, now and then one of megabytes.
        let length = match random.below(80) {
            0 => 1_500_000 + random.below(1_500_000),
            1..=12 => random.below(200_000),
            _ => random.below(3000),
        };
        // The first line tells the length, so that half a copy is never taken for a content of the user.
        let mut content = format!("{CONTENT} {:08} {length:08}\n", self.counter).into_bytes();
        let head = content.len();
        content.resize(head + usize::try_from(length)?, 0);
        random.fill(&mut content[head..]);
        let mut file = fs::File::create(full)
            .with_context(|| format!("could not write {}", full.display()))?;
        file.write_all(&content)?;
        Ok(())
    }

    /// Picks a file that is the same on both sides and was not touched since they were equal.
    fn untouched(&self, random: &mut Random) -> Option<String> {
        let paths: Vec<&String> = self
            .files
            .iter()
            .filter(|path| !self.touched.contains_key(*path))
            .collect();
        random.pick(&paths).map(|path| (*path).clone())
    }

    fn overwrite(&mut self, side: Side, random: &mut Random) -> Result<()> {
        let Some(path) = self.untouched(random) else {
            return Ok(());
        };
        let full = self.root(side).join(&path);
        if full.symlink_metadata()?.is_symlink() {
            fs::remove_file(&full)?;
        }
        self.write(&full, random)?;
        self.touched.insert(path, side);
        Ok(())
    }

    fn change_mode(&mut self, side: Side, random: &mut Random) -> Result<()> {
        let Some(path) = self.untouched(random) else {
            return Ok(());
        };
        let full = self.root(side).join(&path);
        if !full.symlink_metadata()?.is_symlink() {
            set_mode(
                &full,
                *random
                    .pick(&[0o600, 0o640, 0o644, 0o755, 0o700])
                    .unwrap_or(&0o644),
            )?;
            self.touched.insert(path, side);
        }
        Ok(())
    }

    fn delete(&mut self, side: Side, random: &mut Random) -> Result<()> {
        let Some(path) = self.untouched(random) else {
            return Ok(());
        };
        fs::remove_file(self.root(side).join(&path))?;
        self.files.remove(&path);
        self.touched.insert(path, side);
        Ok(())
    }

    fn rename(&mut self, side: Side, random: &mut Random) -> Result<()> {
        let Some(path) = self.untouched(random) else {
            return Ok(());
        };
        self.counter += 1;
        let new = format!("d{}/moved {:05}.dat", random.below(6), self.counter);
        let full = self.root(side).join(&new);
        if let Some(directory) = full.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::rename(self.root(side).join(&path), full)?;
        self.files.remove(&path);
        self.files.insert(new.clone());
        self.touched.insert(path, side);
        self.touched.insert(new, side);
        Ok(())
    }

    /// Answers every content that stands on a side or is kept by the manager.
    pub(super) fn contents(&self) -> Result<Contents> {
        let mut all = Contents::new();
        for root in [&self.left, &self.right, &self.home] {
            for path in walk(root)? {
                let about = path.symlink_metadata()?;
                if about.is_file() {
                    all.insert(fingerprint(&path)?);
                }
            }
        }
        Ok(all)
    }

    /// Fails when a content of the user that stood somewhere stands nowhere now.
    pub(super) fn nothing_lost(&self, before: &Contents) -> Result<()> {
        let now = self.contents()?;
        let ours = self.ours_before(before, &now);
        if ours.is_empty() {
            Ok(())
        } else {
            bail!(
                "{} contents are lost; the first is {:?}\n{}",
                ours.len(),
                ours[0],
                self.said()
            )
        }
    }

    /// Answers the lost contents. Files of the manager's own state change all the time and are no content of the
    /// user, so only what the user wrote is asked for.
    fn ours_before(&self, before: &Contents, now: &Contents) -> Vec<(u64, u64)> {
        before
            .iter()
            .filter(|content| content.1 & 1 == 1 && !now.contains(content))
            .copied()
            .collect()
    }

    /// Fails unless both sides are equal and hold exactly the files that they should.
    pub(super) fn equal(&self) -> Result<()> {
        let both = same(&self.left, &self.right).with_context(|| self.said())?;
        let found: BTreeSet<&String> = both
            .iter()
            .filter(|(_, what)| !what.starts_with("directory"))
            .map(|(path, _)| path)
            .collect();
        let wanted: BTreeSet<&String> = self.files.iter().collect();
        if let Some(path) = found.symmetric_difference(&wanted).next() {
            let stands = if found.contains(path) {
                "stands, but was deleted"
            } else {
                "is gone on both sides"
            };
            bail!("{path:?} {stands}\n{}", self.said());
        }
        Ok(())
    }

    /// Fails when a file of ours is left where only the user's should be.
    pub(super) fn nothing_stray(&self) -> Result<()> {
        [&self.left, &self.right]
            .into_iter()
            .try_for_each(|root| nothing_stray(root))
    }
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
}

#[cfg(not(unix))]
fn set_mode(path: &Path, mode: u32) -> Result<()> {
    let mut permissions = fs::metadata(path)?.permissions();
    permissions.set_readonly(mode & 0o200 == 0);
    Ok(fs::set_permissions(path, permissions)?)
}

/// Makes a symbolic link; `false` where a plain user may not.
#[cfg(unix)]
fn link(target: &str, path: &Path) -> Result<bool> {
    std::os::unix::fs::symlink(target, path)?;
    Ok(true)
}

#[cfg(not(unix))]
fn link(_target: &str, _path: &Path) -> Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Copies the left side over the right one, as a perfect synchronizer would that ran after edits on the left.
    #[cfg(unix)]
    fn mirror(from: &Path, to: &Path) {
        fs::remove_dir_all(to).unwrap();
        let copied = crate::run::command("cp")
            .arg("-a")
            .args([from, to])
            .status()
            .unwrap();
        assert!(copied.success());
    }

    #[cfg(unix)]
    fn world(place: &Path) -> World {
        let mut world = World::new(&place.join("pair")).unwrap();
        let mut random = Random::new(1);
        for _ in 0..80 {
            world.add(Side::Left, &mut random).unwrap();
        }
        world
    }

    #[test]
    #[cfg(unix)]
    fn each_breach_is_seen() {
        let place = tempfile::tempdir().unwrap();
        let mut world = world(place.path());
        assert!(world.equal().is_err(), "the right side is empty");
        let before = world.contents().unwrap();
        mirror(&world.left, &world.right);
        world.equal().unwrap();
        world.nothing_stray().unwrap();
        world.settled();

        let file = world
            .files
            .iter()
            .find(|path| world.right.join(path).is_file())
            .cloned()
            .unwrap();
        let (left, right) = (world.left.join(&file), world.right.join(&file));
        fs::remove_file(&right).unwrap();
        assert!(world.equal().is_err(), "a file is missing on one side");
        world.nothing_lost(&before).unwrap();
        fs::rename(&left, world.home.join("kept")).unwrap();
        world.nothing_lost(&before).unwrap();
        assert!(world.equal().is_err(), "a file is gone on both sides");
        fs::remove_file(world.home.join("kept")).unwrap();
        assert!(world.nothing_lost(&before).is_err(), "a content is nowhere");

        fs::write(world.left.join("d0/.syncmgr-tmp-1"), "x").unwrap();
        assert!(world.nothing_stray().is_err());
    }

    #[test]
    #[cfg(unix)]
    fn modes_times_and_contents_are_compared() {
        let place = tempfile::tempdir().unwrap();
        let world = world(place.path());
        mirror(&world.left, &world.right);
        let file = world
            .files
            .iter()
            .find(|path| world.right.join(path).is_file())
            .cloned()
            .unwrap();
        let right = world.right.join(&file);
        set_mode(&right, 0o751).unwrap();
        assert!(world.equal().is_err(), "the mode differs");
        mirror(&world.left, &world.right);
        let time =
            right.metadata().unwrap().modified().unwrap() + std::time::Duration::from_nanos(1);
        fs::File::options()
            .append(true)
            .open(&right)
            .unwrap()
            .set_modified(time)
            .unwrap();
        assert!(world.equal().is_err(), "the time differs by a nanosecond");
    }

    #[test]
    fn edits_never_touch_a_path_on_both_sides_and_repeat_with_the_seed() {
        let listings: Vec<_> = (0..2)
            .map(|_| {
                let place = tempfile::tempdir().unwrap();
                let mut world = World::new(&place.path().join("pair")).unwrap();
                let mut random = Random::new(9);
                world.edit(&mut random).unwrap();
                world.edit(&mut random).unwrap();
                let both = world
                    .files
                    .iter()
                    .filter(|path| {
                        world.left.join(path).exists() && world.right.join(path).exists()
                    })
                    .count();
                assert_eq!(both, 0);
                world.files
            })
            .collect();
        assert_eq!(listings[0], listings[1]);
    }
}
