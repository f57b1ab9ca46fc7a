using System.Collections.Concurrent;
using System.Diagnostics;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Io;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2.Damage;

/// <summary>
/// The images that are spoilt: clusters of 64 KiB, 64 MiB for the guest, of which 0xa5 is in the first 128 KiB and 0x5a in 64 KiB at 1 MiB. Made by this driver, or by
/// <c>qemu-img</c> where they have what this driver does not make.
/// </summary>
internal static class SoundImages
{
    private const string Pattern = "write -P 0xa5 0 128k";
    private static readonly ConcurrentDictionary<string, byte[]> s_made = new();

    /// <summary>The bytes of one; the test is skipped where a program is missing that makes it.</summary>
    public static DamagedImage Get(string name) => new((byte[])s_made.GetOrAdd(name, Make).Clone());

    private static byte[] Make(string name) => name switch
    {
        "v3" => MakeOwn(Plain),
        "v2" => MakeOwn(Plain with { Version = 2 }),
        "bk" => MakeOwn(Plain with { BackingFileName = "back.raw", BackingFormat = "raw" }),
        "xl2" => MakeOwn(Plain with { HasExtendedL2 = true }),
        "lazy" => MakeOwn(Plain with { HasLazyRefcounts = true }),
        "rc1" => MakeOwn(Plain with { RefcountOrder = 0 }),
        "comp" => MakeOwn(Plain with { LengthBytes = 4 << 20 }, RequestFlags.WriteCompressed),
        "zstd" => MakeOwn(Plain with { LengthBytes = 4 << 20, Compression = Qcow2Compression.Zstd }, RequestFlags.WriteCompressed),
        "snap" => MakeElsewhere("create", "-f", "qcow2", "img", "64M").Then(Pattern, "write -P 0x5a 1M 64k").Snapshot("s1").Then("write -P 0xc3 0 64k").Bytes,
        "snap2" => MakeElsewhere("create", "-f", "qcow2", "img", "64M").Then(Pattern, "write -P 0x5a 1M 64k").Snapshot("s1").Snapshot("s2").Bytes,
        "bmap" => MakeElsewhere("create", "-f", "qcow2", "img", "64M").Bitmap("b0").Then(Pattern, "write -P 0x5a 1M 64k").Bytes,
        "dfile" => MakeElsewhere("create", "-f", "qcow2", "-o", "data_file=data.raw,data_file_raw=off", "img", "64M").Then(Pattern, "write -P 0x5a 1M 64k").Bytes,
        _ => MakeElsewhere(
            "create", "--object", "secret,id=s0,data=abc", "-f", "qcow2", "-o", "encrypt.format=luks,encrypt.key-secret=s0,encrypt.iter-time=10", "img", "4M").Bytes,
    };

    private static Qcow2CreateOptions Plain => new() { LengthBytes = 64 << 20 };

    private static byte[] MakeOwn(Qcow2CreateOptions options, RequestFlags flags = RequestFlags.None)
    {
        using GraphFixture fixture = new(drivers: [new Qcow2Driver()]);
        fixture.Memory.Storage("img").Replace(new Qcow2Layout(options.CreateHeaderArea(), options.LengthBytes).ToArray());
        fixture.Run(async () =>
        {
            await using BlockBackend backend = await DamageTests.OpenAsync(fixture, null);
            byte[] cluster = new byte[64 << 10];
            foreach ((long offset, byte value) in new[] { (0L, (byte)0xa5), (64L << 10, (byte)0xa5), (1L << 20, (byte)0x5a) })
            {
                Array.Fill(cluster, value);
                await backend.WriteAsync(offset, cluster, flags);
            }
        });
        return fixture.Memory.Storage("img").Bytes;
    }

    private static Elsewhere MakeElsewhere(params string[] arguments) => new(arguments);

    /// <summary>An image that other programs make, step by step, in a folder of its own.</summary>
    private sealed class Elsewhere
    {
        // To choose how often to iterate a key it measures its own CPU time, and gives up where the machine gives it none.
        private const int AttemptCountMax = 20;

        private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("qcow2-damage-").FullName;

        public Elsewhere(string[] arguments) => Run("qemu-img", arguments);

        public byte[] Bytes
        {
            get
            {
                byte[] bytes = File.ReadAllBytes(Path.Combine(_folder, "img"));
                System.IO.Directory.Delete(_folder, recursive: true);
                return bytes;
            }
        }

        public Elsewhere Then(params string[] commands) => Run("qemu-io", ["-f", "qcow2", .. commands.SelectMany(static command => new[] { "-c", command }), "img"]);

        public Elsewhere Snapshot(string name) => Run("qemu-img", ["snapshot", "-c", name, "img"]);

        public Elsewhere Bitmap(string name) => Run("qemu-img", ["bitmap", "--add", "img", name]);

        private (int Code, string Output) Try(string program, string[] arguments)
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments)
            {
                WorkingDirectory = _folder,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            string error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, output.GetAwaiter().GetResult() + error);
        }

        private Elsewhere Run(string program, string[] arguments)
        {
            try
            {
                (int code, string output) = Try(program, arguments);
                for (int attempt = 1; attempt < AttemptCountMax && output.Contains("CPU usage", StringComparison.Ordinal); attempt++)
                {
                    (code, output) = Try(program, arguments);
                }

                Assert.That(code, Is.Zero, $"{program} {string.Join(' ', arguments)}: {output}");
            }
            catch (System.ComponentModel.Win32Exception)
            {
                Assert.Ignore("missing program: " + program);
            }

            return this;
        }
    }
}
