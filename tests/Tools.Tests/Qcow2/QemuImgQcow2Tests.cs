using System.Text.RegularExpressions;

namespace BlockGraph.Tools.Tests.Qcow2;

/// <summary>Command lines one after the other in a folder with nothing in it, by the names qemu-img and qemu-io and beside the installed programs: what each prints and ends with.</summary>
[TestFixture]
public sealed partial class QemuImgQcow2Tests
{
    // A line is a program (img, io) and its arguments; words in capitals are files of the folder. Of io each argument behind the file is a command.
    [TestCase(
        "an overlay's bitmap is added to one of its backing file",
        "img create -q -f qcow2 BASE 1M", "img create -q -f qcow2 -b BASE -F qcow2 TOP", "img bitmap --add TOP a", "io TOP write_64k_64k",
        "img bitmap --add --merge a -b TOP -F qcow2 BASE b", "img info --output=json BASE", "img check BASE")]
    [TestCase(
        "bitmaps of an image whose backing file is missing",
        "img create -q -f qcow2 -u -b NONE -F qcow2 TOP 1M", "img bitmap --add TOP a", "img bitmap --disable TOP a", "img bitmap --remove TOP a", "img bitmap --remove TOP a")]
    [TestCase("which fault of measure is told first", "img measure -l snapshot.foo=bar", "img measure -l snapshot.id=1 --output=x", "img measure --output=x -l snapshot.foo=bar")]
    [TestCase(
        "files with a colon in their name",
        "img create -q -f qcow2 file:FOLDER/a:b 1M", "img info --output=json file:FOLDER/a:b", "img create -q -f qcow2 -b a:b -F qcow2 FOLDER/c",
        "img create -q -f qcow2 -b ./a:b -F qcow2 FOLDER/c", "img info FOLDER/c")]
    [TestCase(
        "counts and marks that are wrong are told in one order",
        "img create -q -f qcow2 A 1M", "io A write_0_64k", "poke A 131072 0002", "poke A 196608 0000", "img check A", "img check -r all A")]
    [TestCase(
        "an image with snapshots becomes version 2 by getting their length",
        "img create -q -f qcow2 A 1M", "img snapshot -c s A", "img resize -q A 2M", "img amend -o compat=0.10 A", "img amend -o compat=0.10,size=1M A", "img info -U --output=json A")]
    [TestCase(
        "clusters that are compressed are zeros or not, however short",
        "img create -q -f qcow2 -o cluster_size=1k A 1M", "io A write_0_1k write_8k_1k write_17k_1k write_512k_3k", "img convert -c -S 4k -O qcow2 -o cluster_size=1k A B", "img map --output=json B",
        "img convert -c -S 64k -O qcow2 -o cluster_size=4k A B", "img map --output=json B", "img compare A B")]
    [TestCase(
        "a cluster of several sources is compressed too",
        "img create -q -f qcow2 -o cluster_size=1k A 1023k", "img create -q -f qcow2 -o cluster_size=1k B 3k", "img create -q -f qcow2 -o cluster_size=1k C 1023k",
        "io A write_-P_1_1022k_1k", "io B write_-P_2_0_1k", "io C write_-P_3_0_1k write_-P_4_100k_1k", "img convert -c -O qcow2 A B C D", "img map --output=json D",
        "io D read_-P_0_0_1022k read_-P_1_1022k_1k read_-P_2_1023k_1k read_-P_0_1024k_2k read_-P_3_1026k_1k read_-P_4_1126k_1k", "img check D",
        "img create -q -f qcow2 -o cluster_size=1k E 1k", "img convert -c -O qcow2 E E E B E F", "img map --output=json F", "io F read_-P_2_3k_1k read_-P_0_0_3k")]
    [TestCase(
        "space that is to be allocated at once is needed", "img create -q -f qcow2 A 64M", "io A write_0_1M", "img measure -O qcow2 -o preallocation=off A", "img measure -O qcow2 -o preallocation=metadata A",
        "img measure -O qcow2 -o preallocation=falloc A", "img measure -O qcow2 -o preallocation=full A", "img measure -O qcow2 -o preallocation=full --size 1G", "img measure -O qcow2 -o preallocation=some A")]
    [TestCase(
        "an image without a backing file reads as before over its first one", "img create -q -f qcow2 A 1M", "img create -q -f qcow2 B 2M", "io B write_0_2M", "img rebase -U -b B -F qcow2 A", "io A read_-P_0_0_1M",
        "img map --output=json A", "img commit A", "io B read_-P_0_0_1M")]
    [TestCase(
        "a discard leaves subclusters that read as zeros as they are", "img create -q -f qcow2 -o extended_l2=on,cluster_size=128k A 1M", "io A write_-z_0_64k write_-P_1_128k_4k discard_0_256k", "img map --output=json A", "img create -q -f qcow2 -o extended_l2=on A 1M", "io A write_-c_-P_7_0_64k write_-z_-n_4k_62k write_-z_-n_4k_4k", "img map --output=json A")]
    [TestCase(
        "a raw data file has whole clusters, and no zeros that are refused", "img create -q -f qcow2 -o data_file=D,data_file_raw=on A 300k", "img info -f raw D", "io A write_-P_1_0_300k write_-z_-n_1000_1 read_-v_1000_1",
        "img map --output=json A", "img measure -O qcow2 A", "img resize -q A +512", "img info -f raw D", "img snapshot -q -l A")]
    [TestCase(
        "growing over a longer backing file", "img create -q -f qcow2 B 600k", "io B write_0_600k", "img create -q -f qcow2 -b B -F qcow2 A 256k", "img resize -q A 4M", "img map --output=json A",
        "img create -q -f qcow2 -b B -F qcow2 C 256k", "img resize -q --preallocation=metadata C 700k", "io C map read_-P_0_256k_444k", "img create -q -f qcow2 -b B -F qcow2 E 256k", "img resize -q --preallocation=full E 700k",
        "io E map read_-P_0_256k_444k", "img check E")]
    [TestCase(
        "the last cluster of an image that grows keeps what it shows", "img create -q -f qcow2 B 300k", "io B write_-P_1_0_300k", "img create -q -f qcow2 -b B -F qcow2 A", "img resize -q --preallocation=metadata A 3M", "io A read_-P_1_0_300k read_-P_0_300k_2700k",
        "img create -q -f qcow2 -o compat=0.10 -b B -F qcow2 A", "img resize -q --preallocation=full A 3M", "io A read_-P_1_0_300k read_-P_0_300k_2700k", "img create -q -f qcow2 -o data_file=D -b B -F qcow2 C",
        "img resize -q --preallocation=falloc C 3M", "io C read_-P_1_0_300k read_-P_0_300k_2700k", "img create -q -f qcow2 -o data_file=E F 100k", "io F write_-P_1_0_100k write_-z_-u_0_100k", "img resize -q --preallocation=metadata F 3M",
        "io F read_-P_0_0_3M")]
    [TestCase(
        "compressed data takes no cluster that is there", "img create -q -f qcow2 A 1M", "io A write_-c_0_0 write_-P_1_64k_64k write_-c_64k_0 write_-c_-P_2_0_256k read_-P_2_0_64k read_-P_1_64k_64k read_-P_2_128k_128k write_-c_-P_3_128k_64k",
        "io A write_-z_512k_64k write_-c_-P_4_512k_64k write_-P_5_576k_64k write_-z_576k_64k write_-c_-P_6_576k_64k read_-P_4_512k_64k read_-P_0_576k_64k", "img check A")]
    [TestCase(
        "what is copied by dd is data", "img create -q -f qcow2 A 1M", "io A write_-P_1_0_64k", "img dd -O qcow2 bs=64k if=A of=B", "img map --output=json B", "img dd -O qcow2 bs=64k skip=1 count=3 if=A of=C", "img map --output=json C")]
    [TestCase(
        "a strict comparison", "img create -q -f qcow2 A 1M", "io A write_-P_1_0_128k write_-z_768k_64k", "img convert -O qcow2 A B", "img compare -s A B", "img convert -c -O qcow2 A C", "img compare -s A C", "img compare -s C C", "img compare A C",
        "img create -q -f qcow2 E 2M", "img compare -s -p A E", "img create -q -f qcow2 Z 0", "img compare -p Z Z", "img compare --image-opts -F qcow2 driver=qcow2,file.filename=NONE driver=qcow2,file.filename=A")]
    [TestCase(
        "of several faults of a new image one is told first", "img create -f qcow2 -o compat=foo,preallocation=foo A 1M", "img create -f qcow2 -o encrypt.format=foo,cluster_size=3k A 1M", "img create -f qcow2 -o compat=0.10,lazy_refcounts=on,extended_l2=on A 1M",
        "img create -f qcow2 -o preallocation=foo,cluster_size=3k A 1M", "img create -f qcow2 -o compat=0.10,lazy_refcounts=on,refcount_bits=3 A 1M", "img create -f qcow2 -o data_file_raw=on,refcount_bits=3 A 1M",
        "img create -f qcow2 -o compat=0.10,compression_type=zstd,data_file=D A 1M", "img create -f qcow2 -o backing_fmt=raw,refcount_bits=3 A 1M", "img create -f qcow2 -o encryption=on,encrypt.format=luks,compat=foo A 1M",
        "img create -f qcow2 -o encrypt.key-secret=x,cluster_size=3k A 1M", "img create -f qcow2 -u -b NONE A 1M", "img create -q -f qcow2 B 1M", "img create -f qcow2 -b B A", "img create -f qcow2 -o data_file=D,backing_file=B,backing_fmt=qcow2 A")]
    [TestCase(
        "help without an image", "img convert -O qcow2 -o help", "img convert -o help", "img amend -f qcow2 -o help NONE", "img amend -f qcow2 -o help", "img create -f qcow2 -o help")]
    [TestCase(
        "small words", "img create -q -f qcow2 A 1M", "img resize A 7E", "img bitmap --add -g 0 A b", "img info A", "img bitmap --add -g 3 A c", "img resize --preallocation=full A 512k", "img snapshot -c s A")]
    [TestCase("an image that gets shorter", "img create -q -f qcow2 A 1M", "io A write_0_1M", "img resize --shrink A 128k", "img check A")]
    [TestCase(
        "a backing file that is named among the options of the new image",
        "img create -q -f qcow2 BASE 1M", "io BASE write_-P_3_0_1M", "img create -q -f qcow2 A 1M", "io A write_-P_4_0_128k", "img convert -O qcow2 -o backing_file=BASE,backing_fmt=qcow2 A B", "img compare A B",
        "img convert -O qcow2 -o backing_file=BASE A C", "img convert -O qcow2 -o backing_file=BASE,backing_fmt=qcow2 A A C", "img convert -O qcow2 -c -o data_file=DATA A D")]
    [TestCase(
        "an image without a backing file reads as before over its first one",
        "img create -q -f qcow2 BASE 1M", "io BASE write_-P_3_0_1M", "img create -q -f qcow2 A 1M", "io A write_-P_4_64k_64k", "img rebase -b BASE -F qcow2 A", "io A read_-P_0_0_64k read_-P_4_64k_64k read_-P_0_128k_896k")]
    [TestCase(
        "an image with a snapshot is empty once it is committed",
        "img create -q -f qcow2 BASE 1M", "img create -q -f qcow2 -b BASE -F qcow2 -o cluster_size=512 A", "io A write_-P_4_0_64k", "img snapshot -c s A", "io A write_-P_5_0_1k write_-P_6_512k_1k",
        "img commit A", "img compare A BASE", "img check A", "io BASE read_-P_5_0_1k read_-P_4_1k_63k read_-P_6_512k_1k", "img snapshot -a s A", "io A read_-P_4_0_64k read_-P_6_512k_1k")]
    [TestCase(
        "what is refused, and how",
        "img create -q -f qcow2 A 1M", "img create -f qcow2 -b A B", "img resize --preallocation=full A 512k", "img resize --preallocation=full --shrink A 512k", "img bitmap --add -g 0 A b", "img info A",
        "img create -f raw -o extent_size_hint=5G R 1M", "img create -q -f qcow2 -o data_file=DATA,data_file_raw=on D 1M", "img snapshot -a s D", "img map --output=json D",
        "img create -q -f qcow2 -b A -F qcow2 T", "img map --output=json --image-opts driver=qcow2,backing=,file.filename=T")]
    [TestCase(
        "subclusters of zeros stay so in a copied cluster", "img create -q -f qcow2 -o extended_l2=on,cluster_size=128k A 1M", "io A write_-P_1_0_128k write_-z_0_64k", "img snapshot -c s A", "io A write_-P_2_100k_64k",
        "img measure -O qcow2 A", "io A map read_-P_0_0_64k read_-P_1_64k_36k read_-P_2_100k_64k read_-P_0_164k_92k", "img snapshot -a s A", "io A write_-P_3_4k_4k read_-P_0_0_4k read_-P_3_4k_4k read_-P_0_8k_56k read_-P_1_64k_64k", "img check A")]
    [TestCase(
        "a rebase writes subclusters", "img create -q -f qcow2 B 1M", "io B write_-P_1_512k_4k write_-P_2_600k_1", "img create -q -f qcow2 -b B -F qcow2 -o extended_l2=on A 1M", "img rebase -b  A", "io A map read_-P_1_512k_4k read_-P_2_600k_1",
        "img create -q -f qcow2 -b B -F qcow2 A 1M", "img rebase -b  A", "io A map")]
    [TestCase(
        "zeros are data on request, over a backing file too", "img create -q Z 1M", "img create -q -f qcow2 -b Z -F raw C", "io C write_-P_1_0_64k write_-z_64k_64k", "img convert -f raw -O qcow2 -B Z -F raw -S 0 Z A", "io A map",
        "img convert -O qcow2 -B Z -F raw -S 0 C A", "io A map read_-P_1_0_64k")]
    [TestCase(
        "a short hole between data stays one, however long zeros must be to be left out", "img create -q -f qcow2 -o cluster_size=4k B 2M", "io B write_-P_1_4k_4k write_-P_2_100k_4k write_-P_3_300k_100k write_-P_4_1M_4k",
        "img convert -S 64k -O raw B A", "img map --output=json -f raw A", "img convert -S 1M -O qcow2 -o cluster_size=4k B A", "io A map", "img convert -S 8k -O qcow2 -o extended_l2=on B A", "io A map", "img compare A B")]
    [TestCase(
        "what cannot be made is told before what is wrong with it", "img create -q -f qcow2 A 1M", "img convert -O qcow2 -F raw A FOLDER", "img create -f qcow2 -o cluster_size=3k FOLDER 1M", "img create -o preallocation=metadata FOLDER 1M",
        "img create -o preallocation=metadata FOLDER/none/x 1M", "img create -f qcow2 -o refcount_bits=3 FOLDER/none/x 1M", "img create null-co:// 1M", "img create -f qcow2 null-aio:// 1M", "img create blkdebug::A 1M", "img convert -O raw A null-co://")]
    [TestCase(
        "of several faults of an opened image one is told first", "img create -q -f qcow2 A 1M", "img bench -w -U --image-opts A", "img bench -w -U A", "img bench --object x A", "img amend -o backing_file=x,data_file=y A",
        "img amend -o backing_file=x,lazy_refcounts=on,compat=0.10 A", "img amend -o data_file_raw=on,encrypt.state=active A", "img amend -o refcount_bits=8,compat=0.10,backing_file=x A", "img convert -n -O qcow2 --target-image-opts NONE driver=qcow2,file.filename=A",
        "img convert -n -O qcow2 --target-image-opts A driver=qcow2,file.filename=A", "img create -q -f raw R 1M", "img convert -l snapshot.id=1 R R A", "img convert -l 1 R R A", "img rebase -t foo -p -b x A", "img rebase -T foo -p -b x A",
        "img rebase -p -u -b x A", "img rebase -p -f raw -b A -F qcow2 R")]
    [TestCase(
        "options of a backing file that is not opened", "img create -q -f qcow2 A 1M", "img info --image-opts driver=qcow2,backing.driver=foo,file.filename=A", "img bitmap --add --image-opts driver=qcow2,backing=x,file.filename=A b",
        "img rebase -u -b  --image-opts driver=qcow2,backing.file.filename=x,file.filename=A", "img map --image-opts driver=qcow2,backing.driver=foo,file.filename=A", "img bitmap --remove A b")]
    [TestCase(
        "a driver that is no text", "img create -q R 1M", "img info json:{\"driver\":5}", "img map -f raw R", "img map json:{\"driver\":5,\"file\":{\"driver\":\"file\",\"filename\":\"R\"}}", "img map json:{\"driver\":\"raw\",\"file\":{\"driver\":5,\"filename\":\"R\"}}")]
    [TestCase(
        "the format of a backing file that is not opened", "img create -q -f qcow2 -u -b NONE -F foo A 1M", "img create -q -f qcow2 -u -b NONE -F vmdk A 1M", "img create -q -f qcow2 -u -b NONE -F raw A 1M")]
    [TestCase(
        "sizes in hexadecimal", "img create R 0x1k", "img resize -f raw R +0x1k", "img resize -f raw R 0x5k", "img dd bs=0x1k count=0x1k if=R of=A", "img convert -f raw -O raw -r 0x1M -S 0x1k R A",
        "img measure -f raw -O qcow2 -o size=0x1k R", "img measure --size 0x1M", "img map -f raw -s 0x1k -l 0x1k R")]
    [TestCase(
        "a snapshot of what has none", "img create -q R 1M", "img measure -l s --object throttle-group,id=g --image-opts driver=throttle,throttle-group=g,file.filename=R", "img measure -l s -f raw R")]
    public void Everything_is_as_the_installed_programs_do_it(string what, params string[] lines)
    {
        string[] theirs = RunAll(lines, static (name, arguments) => InstalledProgram.Run(name, "", arguments));
        string[] ours = RunAll(lines, static (name, arguments) => ToolRun.By(name, "", arguments));
        for (int i = 0; i < lines.Length; i++)
        {
            Assert.That(ours[i], Is.EqualTo(theirs[i]), $"{what}: {lines[i]}");
        }
    }

    private static string[] RunAll(string[] lines, Func<string, string[], ToolRun> run)
    {
        using TemporaryFolder folder = new();
        return [.. lines.Select(line => Run(folder, line.Split(' '), run))];
    }

    private static string Run(TemporaryFolder folder, string[] words, Func<string, string[], ToolRun> run)
    {
        string[] arguments = [.. words.Skip(1).Select(word => FileName().Replace(word, match => match.Value == "FOLDER" ? folder.Path : folder.File(match.Value)))];
        switch (words[0])
        {
            case "poke":
                using (FileStream file = File.OpenWrite(arguments[0]))
                {
                    file.Position = int.Parse(arguments[1], System.Globalization.CultureInfo.InvariantCulture);
                    file.Write(Convert.FromHexString(arguments[2]));
                }

                return "";
            case "io":
                arguments = ["-f", "qcow2", .. arguments.Skip(1).SelectMany(static command => new[] { "-c", command.Replace('_', ' ') }), arguments[0]];
                break;
        }

        ToolRun result = run($"qemu-{words[0]}", arguments);
        return Changing().Replace($"{result.ExitCode}\n{result.Out}\n{result.Error}".Replace(folder.Path, "FOLDER", StringComparison.Ordinal), "");
    }

    // Not the letter of an option.
    [GeneratedRegex(@"(?<![-\w])(?:[A-Z]{4,}|[A-Z])\b")]
    private static partial Regex FileName();

    // Times, and how much the file takes: some parts lie elsewhere.
    [GeneratedRegex(@"\d[\d.]* \w+, \d+ ops; .*|""actual-size"": \d+,|disk size: .*|""date-n?sec"": \d+,|Image end offset: \d+")]
    private static partial Regex Changing();
}
