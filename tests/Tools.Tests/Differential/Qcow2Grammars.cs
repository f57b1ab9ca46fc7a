namespace BlockGraph.Tools.Tests.Differential;

/// <summary>What command lines of qemu-img's verbs and of qemu-io on qcow2 images are made of.</summary>
internal static class Qcow2Grammars
{
    private static readonly string[] s_looksAtTarget =
    [
        "qemu-img info b.qcow2", "qemu-img info --output=json b.qcow2", "qemu-img check b.qcow2", "qemu-img map b.qcow2", "qemu-img map --output=json b.qcow2", "qemu-img compare a.qcow2 b.qcow2",
        "qemu-img snapshot -l b.qcow2", "qemu-img compare -s a.qcow2 b.qcow2", "qemu-img check --output=json b.qcow2", "qemu-img info --backing-chain b.qcow2",
    ];

    private static readonly int[] s_widths = [1, 8, 32];

    private static readonly VerbGrammar[] s_all =
    [
        OnImage(new("amend")
        {
            // With other cluster sizes theirs may never come to an end.
            Fixed =
            [
                "qemu-img amend -p -o size=1M missing", "qemu-img create -q -f qcow2 a.qcow2 1M; qemu-img amend -p -o foo=1 a.qcow2",
                .. s_widths.Select(bits => $"qemu-img create -q -f qcow2 a.qcow2 1M; qemu-io -c 'write -P 1 0 128k' a.qcow2; qemu-img amend -o refcount_bits={bits} a.qcow2; qemu-img info a.qcow2; qemu-img check a.qcow2; qemu-io -c 'read -P 1 0 128k' -c 'write 1M 64k' a.qcow2"),
            ],
            Options =
            [
                "-o {made}", "-o {made}", "-o size={size}", "-o {made},size={size}",
                "-o compat=1.1", "-o compat=0.10", "-o compat=v3", "-o lazy_refcounts=on", "-o lazy_refcounts=off", "-o size=2M", "-o size=512k",
                "-o size=1M,compat=0.10", "-o backing_file=data.raw,backing_fmt=raw", "-o backing_file=''", "-o data_file_raw=off", "-o data_file=a.data", "-o cluster_size=64k", "-q", "-t writethrough", "--force",
                "-o compat=1.1,lazy_refcounts=on", "-o encryption=off", "-o preallocation=off",
            ],
            WrongOptions =
            [
                "-o {wrongmade}", "-o {wrongmade}", "-o {made},{wrongmade}", "-o size={wrongsize}",
                "-o cluster_size=4k", "-o preallocation=full", "-o compression_type=zstd", "-o foo=1", "-o compat=2", "-o refcount_bits=3", "-o refcount_bits=128", "-o lazy_refcounts=x", "-o encrypt.format=luks",
                "-o extended_l2=on", "-o data_file=other.raw", "-o size=x", "-o size=0", "-o backing_file=data.raw", "-o backing_fmt=foo", "-o encryption=on", "-o data_file_raw=on", "-o help", "-t foo", "-o backing_file=missing,backing_fmt=raw",
            ],
        }),
        OnImage(new("bench")
        {
            Always = "-c 20",
            Options = ["-d 4", "-w", "-s 512", "-o 64k", "-S 8k", "-n", "-t writeback", "-U", "-q", "-w --pattern=7", "-w --flush-interval=5 -d 4", "-w -s 64k -S 64k"],
            WrongOptions = ["-c {wrongsize}", "-d {wrongsize}", "-s {wrongsize}", "-o {wrongsize}", "-S {wrongsize}", "--pattern={wrongsize}", "--flush-interval={wrongsize}", "-d 0", "-w --no-drain", "-s {size}", "-c x", "-s 0", "-o -1", "-t foo", "--pattern=256", "-U -w"],
        }),
        OnImage(new("bitmap")
        {
            Options = ["--add", "--add -g 4k", "--add -g 2M", "--add --disable", "--remove", "--clear", "--enable", "--disable", "--merge b2", "--merge b1", "--add --merge b1", "--merge b2 --clear", "--disable --merge b1 --enable", "--merge b1 -b a.qcow2 -F qcow2"],
            WrongOptions = ["--add -g {wrongsize}", "--add -g {size}", "--merge b1 -b a.qcow2", "--merge b1 -b zero.raw -F qcow2", "--remove --add", "--enable --disable", "--clear --clear", "--merge b1 --merge b2", "--add --remove --add", "--merge ''", "-b a.qcow2 -F qcow2", "-g", "--merge", "--add -g 1", "--add -g 3k", "-g 64k", "--merge b2 -b data.raw -F raw", "--merge b1 -b missing.qcow2 -F qcow2", "-F qcow2 --add", "--add -b a.qcow2", "--merge nothing", "--add --add"],
            Operands = [.. Qcow2Images.Names.Select(name => $"{name} b1"), .. Qcow2Images.Names.Select(name => $"{name} b2"), "a.qcow2 new", "-f qcow2 a.qcow2 new", "a.qcow2 'a name'"],
            WrongOperands = [.. Qcow2Images.WrongNames.Select(name => $"{name} b1"), "a.qcow2", "a.qcow2 ''", "a.qcow2 nothing", "-f raw a.qcow2 b1"],
        }),
        OnImage(new("check")
        {
            Options = ["-q", "--output=json", "--output=human", "-r all", "-r leaks", "-r all --output=json", "-T none", "-U", "-q -r all", "-r all", "-r leaks"],
            WrongOptions = ["-r leaks -r all", "--output=json -r foo", "-r All", "-T", "-f", "--output", "-c", "-r", "-r foo", "-T foo", "--output=foo", "-U -r all"],
            Operands = [.. Qcow2Images.Names, "-f raw a.qcow2", "base.qcow2"],
            Made = [.. Qcow2Images.Made, .. Qcow2Images.Damaged, .. Qcow2Images.Damaged],
            Steps = ["qemu-img check a.qcow2", "qemu-img check --output=json a.qcow2"],
        }),
        OnImage(new("commit")
        {
            Options = ["-b {base}", "-t unsafe", "-d -b base.qcow2", "-q", "-p", "-t none", "-d", "-r 100M", "-b data.raw", "-b base.qcow2", "-q -d"],
            WrongOptions = ["-r {wrongrate}", "-b c.qcow2", "-b folder", "-t", "-r", "-b base.qcow2 -b data.raw", "-t foo", "-r x", "-b missing", "-b ''", "-b a.qcow2", "-b zero.raw"],
            Operands = [.. Qcow2Images.Names, "-f qcow2 c.qcow2", "c.qcow2"],
            Steps = [.. Qcow2Images.Steps, "qemu-img create -f qcow2 -b a.qcow2 -F qcow2 c.qcow2; qemu-io -c 'write -P 21 0 80k' -c 'write -z 128k 64k' c.qcow2", "qemu-img create -f qcow2 -b a.qcow2 -F qcow2 c.qcow2 3M; qemu-io -c 'write -P 22 2M 64k' c.qcow2"],
            Looks = [.. Qcow2Images.Looks, "qemu-img map c.qcow2", "qemu-img check c.qcow2"],
        }),
        OnImage(new("compare")
        {
            Options = ["-q", "-p", "-s", "-f qcow2", "-F qcow2", "-T none", "-U", "-f raw -F qcow2", "-s -p"],
            WrongOptions = ["-f foo", "-F foo", "-T foo", "-F"],
            Operands = ["a.qcow2 {base}", "{base} a.qcow2", "--image-opts driver=qcow2,file.filename=a.qcow2 driver=qcow2,file.filename=base.qcow2", "a.qcow2 data.raw", "data.raw a.qcow2", "a.qcow2 a.qcow2", "a.qcow2 zero.raw", "a.qcow2 long.raw", "other.raw a.qcow2", "--image-opts driver=qcow2,file.filename=a.qcow2 driver=raw,file.filename=data.raw", "a.qcow2 base.qcow2", "data.raw base.qcow2"],
            WrongOperands = ["a.qcow2", "a.qcow2 missing", "missing a.qcow2", "-f qcow2 data.raw a.qcow2", "a.qcow2 folder", "--image-opts a.qcow2 data.raw", "a.qcow2 data.raw other.raw"],
        }),
        OnTarget(new("convert")
        {
            Fixed =
            [
                "qemu-img convert -p -O qcow2 missing b.qcow2", "qemu-img convert -p -O foo data.raw b.qcow2", "qemu-img convert -p -n -O qcow2 data.raw missing", "qemu-img convert -O qcow2 -c -o preallocation=full data.raw b.qcow2",
                "qemu-img convert -O qcow2 -c -o encrypt.format=luks data.raw b.qcow2", "qemu-img convert -O qcow2 -c -o preallocation=off data.raw b.qcow2; qemu-img info b.qcow2",
                "qemu-img create -q -f qcow2 a.qcow2 64M; qemu-io -c 'write -P 1 0 3M' a.qcow2; qemu-img convert -S 0 -O qcow2 a.qcow2 b.qcow2; qemu-img map b.qcow2",
            ],
            Options =
            [
                "-O qcow2 {copy}", "-O qcow2 {copy}", "-O qcow2 -o {made}", "-O qcow2 -c -o {made}", "-O qcow2 -S {size}", "-O qcow2 -l {snapshot}", "-O qcow2 -B {base} -F raw {copy}", "-O qcow2 -m {count}", "-n -O qcow2 {copy}", "-O qcow2 --target-is-zero -n",
                "-O qcow2", "-O qcow2 -c", "-O qcow2 -o compat=0.10", "-O qcow2 -o cluster_size=4k", "-O qcow2 -o preallocation=metadata", "-O qcow2 -o refcount_bits=8,lazy_refcounts=on", "-O qcow2 -o extended_l2=on", "-q", "-m 1", "-W",
                "-S 0", "-S 64k", "-f qcow2", "-O qcow2 -l s1", "-O qcow2 -l snapshot.name=s2", "-O qcow2 --bitmaps", "-O qcow2 -c -o compression_type=zstd", "-O qcow2 -B data.raw -F raw", "-U", "--salvage", "-C", "-O qcow2 -o data_file=b.data",
                "-O qcow2 --bitmaps --skip-broken-bitmaps", "-O qcow2 -c -m 1 -o cluster_size=2M", "-r 1G", "-O raw", "-O qcow2 -o size=1M",
            ],
            WrongOptions =
            [
                "-O qcow2 -o {wrongmade}", "-O qcow2 -o {wrongmade}", "-O qcow2 -S {wrongsize}", "-m {wrongsize}", "-r {wrongrate}", "-O qcow2 --target-is-zero", "-O qcow2 -B base.qcow2 -F raw", "-O qcow2 -B missing -F qcow2", "-O qcow2 -B {base} -F raw -o backing_file=zero.raw", "-O qcow2 --skip-broken-bitmaps", "-O qcow2 -l s1 -l s2", "-s s1", "-D", "-O qcow2 -n -o {made}", "-n -B data.raw -F raw -O qcow2", "-O qcow2 -o", "-O qcow2 -C -c", "-C -S 64k", "-O qcow2 --bitmaps -n", "-t foo", "-T foo",
                "-O foo", "-O qcow2 -o foo=1", "-O qcow2 -o cluster_size=3k", "-O qcow2 -o compat=9", "-O qcow2 -c -W -C", "-c -O raw", "-O qcow2 -l nothing", "-O qcow2 --bitmaps -l s1", "--skip-broken-bitmaps", "-O qcow2 -B missing -F raw",
                "-O qcow2 -B data.raw", "-F raw", "-O qcow2 -o preallocation=foo", "-O qcow2 -c -o preallocation=metadata", "-O raw --bitmaps", "-S 1", "-m 0", "-O qcow2 -o refcount_bits=16,compat=0.10,lazy_refcounts=on",
                "-O qcow2 -c -o compression_type=foo", "-O qcow2 -o data_file_raw=on",
            ],
            Operands = ["a.qcow2 b.qcow2", "a.qcow2 b.qcow2", "-f qcow2 a.qcow2 b.qcow2", "--image-opts driver=qcow2,file.filename=a.qcow2 b.qcow2", "-f raw data.raw b.qcow2", "data.raw a.qcow2 b.qcow2", "a.qcow2 a.qcow2 b.qcow2", "base.qcow2 b.qcow2"],
            WrongOperands = ["a.qcow2", "a.qcow2 a.qcow2", "missing.qcow2 b.qcow2", "a.qcow2 folder", "-n a.qcow2 missing.qcow2", "-f qcow2 data.raw b.qcow2", "-n -O qcow2 a.qcow2 data.raw", "--target-image-opts -n a.qcow2 driver=qcow2,file.filename=data.raw", "a.qcow2 nodir/b.qcow2"],
        }),
        OnTarget(new("create")
        {
            Options =
            [
                "-f qcow2 -o {made}", "-f qcow2 -o {made},{made}", "-f qcow2 -o {made} -b {base} -F raw", "-f qcow2 -o {made} -b a.qcow2 -F qcow2", "-f qcow2 -o {made} -o {made}", "-f qcow2 -o size={size}",
                "-f qcow2", "-f qcow2 -o compat=0.10", "-f qcow2 -o compat=v2", "-f qcow2 -o cluster_size=512", "-f qcow2 -o cluster_size=2M", "-f qcow2 -o preallocation=metadata", "-f qcow2 -o preallocation=full", "-f qcow2 -o lazy_refcounts=on",
                "-f qcow2 -o refcount_bits=1", "-f qcow2 -o refcount_bits=64", "-f qcow2 -o extended_l2=on", "-f qcow2 -o data_file=b.data", "-f qcow2 -o data_file=b.data,data_file_raw=on", "-f qcow2 -o compression_type=zstd", "-q", "-u -f qcow2",
                "-f qcow2 -b a.qcow2 -F qcow2", "-f qcow2 -b data.raw -F raw", "-f qcow2 -u -b missing.raw -F raw", "-f qcow2 -o backing_file=a.qcow2,backing_fmt=qcow2", "-f qcow2 -o nocow=off", "-f qcow2 -b a.qcow2 -F qcow2 -o extended_l2=on",
            ],
            WrongOptions =
            [
                "-f qcow2 -o {wrongmade}", "-f qcow2 -o {wrongmade}", "-f qcow2 -o {made},{wrongmade}", "-f qcow2 -o {wrongmade},{wrongmade}", "-f qcow2 -o size={wrongsize}", "-f qcow2 -o {wrongmade} -b {base} -F raw", "-o", "-f", "-b", "-f qcow2 -b {base}", "-f qcow2 -b a.qcow2 -F raw", "-f qcow2 -b {base} -F qcow2", "-f qcow2 -u -b {base}", "-f qcow2 -u", "-f qcow2 -b ''", "-f qcow2 -b '' -F raw", "-f qcow2 -b json:x -F raw", "-f qcow2 -F foo -b data.raw", "-f qcow2 -o backing_file={base},backing_fmt=qcow2",
                "-f qcow2 -o cluster_size=3k", "-f qcow2 -o cluster_size=256", "-f qcow2 -o cluster_size=4M", "-f qcow2 -o compat=2", "-f qcow2 -o compat=0.10,lazy_refcounts=on", "-f qcow2 -o refcount_bits=3", "-f qcow2 -o refcount_bits=128",
                "-f qcow2 -o compat=0.10,refcount_bits=8", "-f qcow2 -o extended_l2=on,cluster_size=4k", "-f qcow2 -o data_file_raw=on", "-f qcow2 -o compression_type=foo", "-f qcow2 -o compat=0.10,compression_type=zstd", "-f qcow2 -b missing.raw -F raw",
                "-f qcow2 -b data.raw", "-f qcow2 -F raw", "-f qcow2 -o preallocation=metadata -b data.raw -F raw", "-f qcow2 -o preallocation=foo", "-f qcow2 -o encrypt.format=foo", "-f qcow2 -o encryption=on,encrypt.format=luks",
                "-f qcow2 -o encrypt.format=luks", "-f qcow2 -o lazy_refcounts=x", "-f qcow2 -o help", "-f qcow2 -b b.qcow2 -F qcow2", "-f qcow2 -o cluster_size=", "-f qcow2 -o data_file=folder", "-f qcow2 -o size=1M,foo", "-f qcow2 -b folder -F raw",
            ],
            Operands = ["b.qcow2 {size}", "b.qcow2 {size}", "b.qcow2 1M", "b.qcow2 0", "b.qcow2 3000", "b.qcow2 1M", "b.qcow2", "b.qcow2 1536", "folder/b.qcow2 1M", "a.qcow2 512k", "file:b.qcow2 1M"],
            WrongOperands = ["b.qcow2 {wrongsize}", "b.qcow2 {wrongsize}", "b.qcow2 {wrongsize}", "b.qcow2 x", "b.qcow2 -1", "b.qcow2 8E", "b.qcow2 7E", "folder 1M", "nodir/b.qcow2 1M", "'' 1M", "b.qcow2 1M 2M", "json:x 1M", "b.qcow2 1kk"],
            Fixed = ["qemu-img create -f qcow2 b.qcow2 64T; qemu-img info b.qcow2; qemu-img check b.qcow2", "qemu-img create -f qcow2 b.qcow2 65T", "qemu-img create -f qcow2 -o cluster_size=512 b.qcow2 100G; qemu-img info b.qcow2", "qemu-img create -f qcow2 -u -b missing -F foo b.qcow2 1M"],
            Looks = [.. s_looksAtTarget, "qemu-io -c 'write -P 1 0 3000' -c 'read -P 1 0 3000' b.qcow2"],
        }),
        OnTarget(new("dd")
        {
            Options = ["{dd}", "{dd}", "-O qcow2 {dd}", "-O qcow2", "-f qcow2", "-O qcow2", "-O raw", "-U", "bs=4k", "bs=64k", "count=3", "skip=1", "bs=1M", "count=100", "-O qcow2 bs=64k skip=1"],
            Fixed = ["qemu-img convert -O qcow2 data.raw a.qcow2; qemu-img dd -O qcow2 if=a.qcow2 of=b.qcow2; qemu-img map --output=json b.qcow2"],
            WrongOptions = ["{wrongdd}", "{wrongdd}", "{wrongdd}", "-f foo", "-O foo", "bs=0", "count=x", "skip=99999", "foo=1", "-f raw"],
            Operands = ["if=a.qcow2 of=b.qcow2", "-O qcow2 if=a.qcow2 of=b.qcow2", "-f raw -O qcow2 if=data.raw of=b.qcow2", "--image-opts if=driver=qcow2,file.filename=a.qcow2 of=b.qcow2"],
            WrongOperands = ["if=a.qcow2", "of=b.qcow2", "if=missing of=b.qcow2", "-f qcow2 if=data.raw of=b.qcow2", "-O qcow2 if=a.qcow2 of=folder"],
        }),
        OnImage(new("info")
        {
            Fixed = ["qemu-img create -q -f qcow2 a.qcow2 1M; qemu-img info --image-opts driver=qcow2,file.filename=a.qcow2,overlap-check=foo", "qemu-img create -q -f qcow2 a.qcow2 1M; qemu-img info --image-opts driver=qcow2,file.filename=a.qcow2,overlap-check.template=foo"],
            Options = ["--output=json", "--output=human", "--backing-chain", "-U", "--backing-chain --output=json"],
            WrongOptions = ["--output", "-f", "--backing", "--output=json --output=foo", "--object", "-U -U", "--output=foo", "--output", "-q"],
            Operands = [.. Qcow2Images.Names, "base.qcow2", "--image-opts driver=qcow2,file.filename=a.qcow2,backing.driver=null-co,backing.size=1M"],
        }),
        OnImage(new("map")
        {
            Options = ["--output=json --start-offset={at} --max-length={len}", "--start-offset={at}", "--max-length={len}", "-s {at} -l {len} --output=json", "--output=json", "--output=human", "-U", "--start-offset=64k", "--max-length=128k", "-s 512k", "-l 4k", "--start-offset=700k --max-length=1M"],
            WrongOptions = ["-s {wrongsize}", "-l {wrongsize}", "--max-length={wrongsize} --output=json", "--start-offset={wrongsize}", "-s", "-l", "--output=foo", "--start-offset=x", "--max-length=x", "--start-offset=4M"],
            Operands = [.. Qcow2Images.Names, "base.qcow2"],
        }),
        OnImage(new("measure")
        {
            Fixed = ["qemu-img measure -O qcow2 -o preallocation=full --size 1G", "qemu-img measure -O qcow2 -o preallocation=falloc --size 1G", "qemu-img measure -O qcow2 -o preallocation=foo --size 1G"],
            Options =
            [
                "-O qcow2 -o {made}", "-O qcow2 -o {made},{made}", "-O qcow2 -o size={size}", "-O qcow2 -o {made} --output=json", "-O qcow2 -l {snapshot}",
                "-O qcow2", "-O raw", "--output=json", "-O qcow2 -o cluster_size=4k", "-O qcow2 -o refcount_bits=64", "-O qcow2 -o preallocation=full", "-O qcow2 -o extended_l2=on,cluster_size=128k", "-U", "-O qcow2 -o compat=0.10", "-O qcow2 -l s1",
                "-O qcow2 -o preallocation=metadata", "-O qcow2 -o cluster_size=2M", "-O qcow2 --output=json", "-O qcow2 -o backing_file=data.raw,backing_fmt=raw",
            ],
            WrongOptions = ["-O qcow2 -o {wrongmade}", "-O qcow2 -o {wrongmade}", "--size {wrongsize}", "-O qcow2 -o {made},{wrongmade}", "--size", "-O", "-o", "--output=foo", "-O foo", "-O qcow2 -o foo=1", "-O qcow2 -o cluster_size=3k", "-O qcow2 -l nothing", "-O qcow2 --size x", "-O qcow2 -o refcount_bits=5", "-O qcow2 -o preallocation=foo", "-O qcow2 -o encrypt.format=luks", "-O qcow2 -o extended_l2=on,cluster_size=4k"],
            HasOwnRefusal = true,
            Operands = ["--size {size}", "--size {size}", .. Qcow2Images.Names, "--size 1M", "--size 1G", "--size 64T", "--size 3000", "base.qcow2"],
            WrongOperands = ["--size {wrongsize}", "--size {wrongsize} -O qcow2", .. Qcow2Images.WrongNames, "--size 1M a.qcow2", "--size -1", "--size 8E"],
        }),
        OnImage(new("rebase")
        {
            Fixed = ["qemu-img create -q -f qcow2 base.qcow2 1M; qemu-img create -q -f qcow2 other.qcow2 2M; qemu-io -c 'write -q -P 5 0 2M' other.qcow2; qemu-img create -q -f qcow2 -b other.qcow2 -F qcow2 a.qcow2; qemu-img rebase -b base.qcow2 -F qcow2 a.qcow2; qemu-img map a.qcow2; qemu-img map --output=json a.qcow2", "qemu-img create -q -f qcow2 other.qcow2 512k; qemu-img create -q -f qcow2 -b long.raw -F raw a.qcow2; qemu-img rebase -b other.qcow2 -F qcow2 a.qcow2; qemu-img map --output=json a.qcow2; qemu-img compare a.qcow2 long.raw", "qemu-img rebase -p -b data.raw -F raw missing", "qemu-img create -q -f qcow2 a.qcow2 1M; qemu-img rebase -p -b missing -F raw a.qcow2"],
            Options = ["-b {base} -F raw", "-b {base} -F raw", "-u -b {base} -F raw", "-b base.qcow2 -F qcow2", "-b other.qcow2 -F qcow2", "-q", "-p", "-t none", "-u", "-b data.raw -F raw", "-b ''", "-b zero.raw -F raw", "-b long.raw -F raw -u", "-u -b ''", "-b base.qcow2 -F qcow2", "-b other.raw -F raw", "-u -b missing -F raw", "-b empty.raw -F raw"],
            WrongOptions = ["-b {base}", "-b {base} -F qcow2", "-F qcow2 -b ''", "-b base.qcow2 -F raw", "-u", "-T foo", "-b a.qcow2", "-b 'json:{' -F raw", "-u -F raw", "-p -q -t", "-b nodir/x -F raw", "-t foo", "-b missing -F raw", "-b data.raw -F foo", "-b", "-F raw", "-b a.qcow2 -F qcow2", "-b data.raw", "-b base.qcow2", "-u -b data.raw -F foo", "-b folder -F raw"],
        }),
        OnImage(new("resize")
        {
            HasOperandsLast = true,
            Options = ["-f qcow2", "-q", "--shrink", "--preallocation=off", "--preallocation=metadata", "--preallocation=falloc", "--preallocation=full", "-f qcow2 --shrink"],
            WrongOptions = ["--preallocation={prealloc} --shrink", "--preallocation=", "--preallocation", "--preallocation=foo", "-f raw", "--shrink --preallocation=full", "-f foo"],
            Operands = ["a.qcow2 {size}", "a.qcow2 {size}", "--shrink a.qcow2 {size}", "a.qcow2 +{size}", "--shrink a.qcow2 -{size}", "a.qcow2 2M", "a.qcow2 +1M", "a.qcow2 1M", "a.qcow2 +0", "--shrink a.qcow2 512k", "--shrink a.qcow2 -300k", "a.qcow2 +1000", "a.qcow2 20M", "--shrink a.qcow2 1000", "--image-opts driver=qcow2,file.filename=a.qcow2 3M", "base.qcow2 +64k"],
            WrongOperands = ["a.qcow2 {wrongsize}", "a.qcow2 {wrongsize}", "a.qcow2 +{wrongsize}", "a.qcow2 -{wrongsize}", "a.qcow2", "a.qcow2 x", "a.qcow2 512k", "--shrink a.qcow2 -8M", "a.qcow2 8E", "a.qcow2 7E", "a.qcow2 0", "missing.qcow2 1M", "-f qcow2 data.raw 2M", "a.qcow2 1M 2M"],
        }),
        OnImage(new("snapshot")
        {
            Options = ["-l", "-c s1", "-c s4", "-a s1", "-d s1", "-a s2", "-d s2", "-a 1", "-d 2", "-q", "-U", "-q -l", "-c 'a long name of a snapshot'", "-c 1"],
            WrongOptions = ["-a s1 -d s1", "-c s1 -c s2", "-l -d s1", "-d 9", "-a 0", "-c s1 s2", "--list", "-d", "-a", "-l -c s1", "-a nothing", "-d nothing", "-c", "-c ''", "-f qcow2", "-U -c s5", "-a 1 -a 2", "-d ''"],
            Operands = [.. Qcow2Images.Names.Where(name => !name.StartsWith("-f", StringComparison.Ordinal)), "a.qcow2", "a.qcow2", "a.qcow2", "base.qcow2"],
            WrongOperands = [.. Qcow2Images.WrongNames.Where(name => !name.StartsWith("-f", StringComparison.Ordinal)), "data.raw"],
        }),
        OnImage(new("qemu-io")
        {
            Fixed = ["qemu-img create -q -f qcow2 a.qcow2 1M; qemu-io -c 'write -P 1 0 64k' -c 'write -c -P 2 0 64k' -c 'read -P 2 0 64k' a.qcow2"],
            Options =
            [
                "{io}", "{io} {io}", "{io} {io} {io}", "{change} {zeroes} {look}", "{compressed} {look}", "{zeroes} {change} -c map", "{compressed} {change} {compressed}", "{change} -c 'truncate -m {prealloc} {size}' -c map",
                "-t writeback", "-n", "-d unmap", "-r", "-c 'read -P 1 0 128k'", "-c 'write -P 31 0 100k'", "-c 'write -c -P 32 960k 64k'", "-c 'write -z -u 0 1M'", "-c 'discard 100k 300k'", "-c map", "-c 'alloc 0 1M'", "-c 'truncate 2M'", "-c length", "-c info",
                "-c 'writev -P 33 1000 100 5000'", "-c 'write -b 0 64k'", "-c 'truncate -m metadata 3M'", "-c 'truncate -m full 1200k'", "-c 'read -v 64k 32'", "-c flush", "-c 'write -z -n 0 64k'", "-c 'write -f -P 34 512k 1k'", "-c 'reopen -r'", "-c 'reopen -o lazy-refcounts=on'",
                "-c 'write -c -P 35 832k 192k'", "-c 'truncate 700k'",
            ],
            WrongOptions =
            [
                "{wrongio}", "{wrongio}", "{wrongio} {change}", "{wrongio} {wrongio}", "{wrongio} {look}",
                "-c 'write -c 1 512'", "-c 'write -c 0 100'", "-c 'write 3M 4k'", "-c 'read 8M 1'", "-c 'truncate -m foo 2M'", "-c 'truncate x'", "-c 'reopen -o cache-size=x'", "-c 'reopen -o foo=1'", "-c 'write -b x 4k'", "-c 'alloc 9M'", "-c 'write -c -z 0 64k'",
                "-c 'write -b -z 0 64k'", "-c 'truncate 8E'", "-r -c 'write 0 4k'",
            ],
            Operands = ["{io} {look} {zeroes} a.qcow2", "{io} {compressed} {io} a.qcow2", "{change} {look} --image-opts driver=qcow2,file.filename=a.qcow2,{openoption}", .. Qcow2Images.Names.Select(name => $"-c 'read 0 64k' {name}"), .. Qcow2Images.Names.Select(name => $"-c 'write -P 36 300k 50k' {name}")],
            WrongOperands = ["{io} --image-opts driver=qcow2,file.filename=a.qcow2,{openoption}", "{io} --image-opts driver=qcow2,file.filename=a.qcow2,{openoption},{openoption}", .. Qcow2Images.WrongNames.Select(name => $"-c 'read 0 64k' {name}")],
        }),
    ];

    /// <summary>The grammar of <paramref name="verb"/>, which every verb of the program must have.</summary>
    public static VerbGrammar Of(string verb) => s_all.FirstOrDefault(grammar => grammar.Verb == verb) ?? throw new InvalidOperationException($"The command lines of '{verb}' on qcow2 have no grammar.");

    private static VerbGrammar OnImage(VerbGrammar grammar) => grammar with
    {
        Format = "qcow2",
        Made = grammar.Made.Count > 0 ? grammar.Made : Qcow2Images.Made,
        Steps = grammar.Steps.Count > 0 ? grammar.Steps : Qcow2Images.Steps,
        Looks = grammar.Looks.Count > 0 ? grammar.Looks : Qcow2Images.Looks,
        Last = Qcow2Images.Last,
        WrongOptions = [.. grammar.WrongOptions, .. Qcow2Images.WrongOptions.Where(option => grammar.Verb != "bench" || !option.Contains("--object", StringComparison.Ordinal))],
        Operands = grammar.Operands.Count > 0 ? grammar.Operands : Qcow2Images.Names,
        WrongOperands = grammar.WrongOperands.Count > 0 ? grammar.WrongOperands : Qcow2Images.WrongNames,
    };

    private static VerbGrammar OnTarget(VerbGrammar grammar) => OnImage(grammar with { Looks = grammar.Looks.Count > 0 ? grammar.Looks : s_looksAtTarget });
}
