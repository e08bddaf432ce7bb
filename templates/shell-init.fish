# wt: `wt cd <task>` changes the folder; every other verb is the program's.
function wt
    if test (count $argv) -gt 0; and test $argv[1] = cd
        set -l dir (command wt path $argv[2..-1]); or return
        cd -- $dir
    else
        command wt $argv
    end
end
