# States of a user's project, made in a copy of the template: a name, then the commands, which may fail as a merge
# with conflicts does. They are run by states.user_states.

# Edit the same file on main, which is left checked out, and on the branch other.
diverge() {
  git switch -qc other
  echo theirs >notes.md
  git commit -qam o
  git switch -q main
  echo ours >notes.md
  git commit -qam m
}

## clean
true

# The index.

## staged edit
echo staged >>notes.md
git add notes.md

## staged, then edited again
echo staged >>notes.md
git add notes.md
echo more >>notes.md

## staged new file
echo new >new.md
git add new.md

## staged new file, then removed
echo new >new.md
git add new.md
rm new.md

## staged removal
git rm -q notes.md

## staged removal, file kept
git rm -q --cached notes.md

## staged rename
git mv notes.md other.md

## staged parameters
echo 'level: 77' >params.yaml
git add params.yaml

## staged code and lock
echo '# edit' >>score.sh
echo '# edit' >>dvc.lock
git add -A

## intent to add
echo new >new.md
git add -N new.md

## assume unchanged
git update-index --assume-unchanged notes.md
echo edit >>notes.md

## skip worktree
git update-index --skip-worktree notes.md
echo edit >>notes.md

## staged mode
git update-index --chmod=+x score.sh

## index of version 4
git update-index --index-version 4
echo staged >>notes.md
git add notes.md

## split index
git update-index --split-index
echo staged >>notes.md
git add notes.md

## damaged index
echo edit >>notes.md
printf 'DIRC\0\0' >.git/index

# The stash.

## git stash
echo edit >>notes.md
git stash -q

## git stash, newer edits
echo edit >>notes.md
git stash -q
echo newer >>notes.md

## two stashes
echo 1 >>notes.md
git stash -q
echo 2 >>notes.md
git stash -q

## stash with untracked files
echo new >new.md
echo edit >>notes.md
git stash -qu

## stash of an older commit
echo edit >>notes.md
git stash -q
git commit -q --allow-empty -m x

# Merges and the like.

## merge with conflicts
diverge
git merge other

## merge, not committed
git switch -qc o
echo x >x.md
git add .
git commit -qm o
git switch -q main
git merge --no-ff --no-commit o

## merge with staged resolution
diverge
git merge other
echo both >notes.md
git add notes.md

## cherry-pick with conflicts
diverge
git cherry-pick other

## revert with conflicts
diverge
echo 3 >notes.md
git commit -qam 3
git revert --no-edit HEAD~1

## rebase with conflicts
diverge
git rebase other

## rebase, stopped to edit
git commit -q --allow-empty -m x
GIT_SEQUENCE_EDITOR='sed -i s/pick/edit/' git rebase -qi --keep-empty HEAD~1

## git am with conflicts
diverge
git format-patch -q -1 other
git am 0001*.patch

## bisection
for i in 1 2 3; do git commit -q --allow-empty -m $i; done; git bisect start HEAD HEAD~3

## stash pop with conflicts
echo 1 >notes.md
git stash -q
echo 2 >notes.md
git commit -qam 2
git stash pop

# HEAD.

## detached at a short hash
git checkout -q $(git rev-parse --short HEAD)

## detached at the whole hash
git checkout -q $(git rev-parse HEAD)

## detached at a tag
git tag v1
git checkout -q v1

## detached at an older commit
git commit -q --allow-empty -m x
git checkout -q $(git rev-parse HEAD~1)

## detached with a commit
git checkout -q --detach
echo x >x.md
git add x.md
git commit -qm x

## another branch
git switch -qc feature
echo edit >>notes.md
git commit -qam x
echo more >>notes.md

## packed refs
git pack-refs --all
echo edit >>notes.md

## after a run
git update-ref refs/exps/exec/EXEC_HEAD HEAD
git update-ref refs/exps/exec/EXEC_APPLY HEAD

## recorded experiment
git update-ref refs/exps/ab/cd/name HEAD
git update-ref refs/exps/celery/stash HEAD

## edits overwritten by exp apply
echo lost >>notes.md
git update-ref refs/exps/apply/stash $(git stash create)
git checkout -q notes.md

# Files that are untracked or ignored.

## untracked files
echo new >new.md
mkdir -p a/b
echo x >a/b/x
: >empty

## names of all kinds
touch 'a b' '-x' '*' '"q' "it's"
printf x >"$(printf 'line\nbreak')"
mkdir 'ü ö'
echo ü >'ü ö/日本'

## a name that is not UTF-8
printf x >"$(printf 'latin-\374')"

## binary file
head -c 300000 /dev/urandom >blob.bin

## ignored files
printf '*.log\nprivate/\n' >>.gitignore
git commit -qam x
echo log >run.log
mkdir private
echo key >private/key

## file in an output folder
echo mine >data/mine.txt
mkdir data/more
echo too >data/more/file

## temporary files of the user
echo x >.notes.tmp
echo y >data/.y.tmp
mkdir -p models/.cache.tmp
echo z >models/.cache.tmp/z

## edited .gitignore beside outputs
echo /own >>.gitignore
echo x >own

## damaged .gitignore beside outputs
echo only mine >.gitignore

## untracked Git repository
git init -q nested
echo x >nested/x
git -C nested add x
git -C nested commit -qm x
echo y >nested/y

## executable and read-only files
echo x >run.sh
chmod 755 run.sh
echo y >y.txt
chmod 400 y.txt
chmod 755 notes.md

## file of another mode in params
chmod 600 params.yaml
echo 'level: 77' >params.yaml

## named pipe
mkfifo pipe

## edited parameters
echo 'level: 77' >params.yaml

## broken parameters
echo 'level: [' >params.yaml

## removed parameters
rm params.yaml

## edited code
echo '# edit' >>score.sh
echo edit >>notes.md
rm prepare.sh

## new stage
printf '  mine:\n    cmd: "true"\n    outs: [mine.txt]\n' >>dvc.yaml
echo made by hand >mine.txt

## new stage with the output of another
printf '  mine:\n    cmd: "true"\n    outs: [labels2.csv]\n' >>dvc.yaml
echo 1 >labels2.csv
rm report.txt
echo hand >report.txt

## new stage, in dvc.lock
printf '  mine:\n    cmd: "true"\n    outs: [mine.txt]\n' >>dvc.yaml
echo made by hand >mine.txt
printf '  mine:\n    cmd: "true"\n    outs:\n    - path: mine.txt\n      hash: md5\n      md5: d3b07384d113edec49eaa6238ad5ff00\n      size: 4\n' >>dvc.lock

## removed stage
sed -i '/^  score/,$d' dvc.yaml
echo mine >report.txt

## broken dvc.yaml
echo '  bad: [' >>dvc.yaml

## conflict markers in dvc.yaml
printf '<<<<<<< a\n=======\n>>>>>>> b\n' >>dvc.yaml

## committed conflict markers
printf '<<<<<<< a\n=======\n>>>>>>> b\n' >>dvc.yaml
git commit -qam bad

## second pipeline
mkdir sub
printf 'stages:\n  s:\n    cmd: "true"\n    outs: [o]\n' >sub/dvc.yaml
echo o >sub/o

## new results
echo '{"test": {"accuracy": 0.99}}' >metrics.json
rm report.txt
echo better >report.txt
sed -i s/90/99/ dvc.lock

## removed dvc.lock
rm dvc.lock metrics.json

## broken dvc.lock
echo '<<<' >>dvc.lock

## dvc.lock removed in a commit
git rm -q dvc.lock
git commit -qm x
echo broken: [ >dvc.lock

# Data of dvc add.

## edited data of dvc add
rm labels.csv
echo edit >labels.csv

## new file in a folder of dvc add
echo new >pictures/new.txt
rm pictures/1.txt
echo edit >pictures/1.txt

## removed data of dvc add
rm -r labels.csv pictures

## edited .dvc file
echo 'desc: mine' >>labels.csv.dvc

## new .dvc file
echo x >other.csv
printf 'outs:\n- path: other.csv\n  md5: 401b30e3b8b5d629635a5c613cdb7919\n' >other.csv.dvc

# Links.

## output is a link
rm report.txt
echo mine >elsewhere.txt
ln -s elsewhere.txt report.txt

## output folder is a link
mv data moved
ln -s moved data
echo mine >data/mine.txt

## output is a link to nothing
rm -r data
ln -s /nowhere data

## link loop
ln -s loop loop
ln -s /dev/zero zero

## parameters are a link
mkdir conf
mv params.yaml conf
ln -s conf/params.yaml params.yaml
git add -A
git commit -qm x
echo 'level: 7' >conf/params.yaml

## edit through a hard link to the cache
f=$(grep -rlx raw .dvc/cache/files | head -1)
chmod 644 $f
ln -f $f report.txt
echo edit >>report.txt
chmod 444 $f

## output is a folder
rm report.txt
mkdir report.txt
echo x >report.txt/x

## folder is a file
rm -r data
echo mine >data

# Settings and history.

## settings
printf '[core]\n    autostage = true\n' >>.dvc/config
printf '[cache]\n    type = copy\n' >.dvc/config.local

## line endings
printf '* text=auto eol=crlf\n' >.gitattributes
git add .
git commit -qm x
printf 'a\r\nb\r\n' >notes.md

## sparse checkout
mkdir far
echo x >far/x
git add far
git commit -qm x
git sparse-checkout set --cone data
echo edit >>notes.md

## shallow
git fetch -q --depth 1 file://$PWD 2>/dev/null
git rev-parse HEAD >.git/shallow
echo edit >>notes.md

## submodule
git init -q ../lib; (cd ../lib; echo x >x; git add x; git commit -qm x); git -c protocol.file.allow=always submodule --quiet add ../lib; git commit -qm s; echo edit >>lib/x; echo new >lib/y

## worktree beside
git worktree add -q ../beside -b beside
echo edit >>notes.md

## no commit
rm -rf .git
git init -q
git add notes.md
echo edit >>notes.md

## no Git
rm -rf .git
