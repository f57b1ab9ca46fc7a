using System.Diagnostics;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2.Model;

/// <summary>Lives of images, by seeds; <c>BLOCKGRAPH_SEEDS</c> says how many.</summary>
[TestFixture]
public sealed class ModelTests
{
    private const int DefaultSeedCount = 40;

    [Test]
    public void An_image_holds_what_was_written_whatever_happens_to_it()
    {
        for (int seed = 1; seed <= TestSeeds.CountOr(DefaultSeedCount); seed++)
        {
            using ModelRun run = new(seed, mayHaveBacking: true);
            Live(run, seed);
        }
    }

    [Test]
    public void What_became_of_an_image_is_sound_for_another_program([Range(101, 106)] int seed)
    {
        using ModelRun run = new(seed, mayHaveBacking: false);
        Live(run, seed);
        string folder = Directory.CreateTempSubdirectory("qcow2-model").FullName;
        try
        {
            string image = Path.Combine(folder, "image.qcow2");
            File.WriteAllBytes(image, run.Image);
            File.WriteAllBytes(Path.Combine(folder, "contents.raw"), run.Contents);
            RequireSuccess("check", image);
            RequireSuccess("compare", "-f", "qcow2", "-F", "raw", image, Path.Combine(folder, "contents.raw"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Live(ModelRun run, int seed)
    {
        try
        {
            run.Run();
        }
        catch (Exception failure) when (failure is not AssertionException { Message: "" })
        {
            throw new AssertionException($"seed {seed} ({run}): {failure.Message}", failure);
        }
    }

    private static void RequireSuccess(params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo("qemu-img", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            string output = process.StandardOutput.ReadToEnd() + process.StandardError.ReadToEnd();
            process.WaitForExit();
            Assert.That(process.ExitCode, Is.Zero, output);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Ignore("missing program: qemu-img");
        }
    }
}
