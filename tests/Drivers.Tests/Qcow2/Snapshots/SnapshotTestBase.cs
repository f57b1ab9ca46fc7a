using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;

namespace BlockGraph.Drivers.Tests.Qcow2.Snapshots;

/// <summary>What the tests of snapshots inside a qcow2 image share.</summary>
public abstract class SnapshotTestBase : Qcow2ImageTestBase
{
    private protected static Task CreateAsync(BlockBackend backend, string name) => backend.CreateSnapshotAsync(new ImageSnapshot("", name));

    private protected static Task ApplyAsync(BlockBackend backend, string name) => backend.ApplySnapshotAsync(Find(backend, name));

    private protected static Task DeleteAsync(BlockBackend backend, string name) => backend.DeleteSnapshotAsync(Find(backend, name));

    private protected static IReadOnlyList<ImageSnapshot> All(BlockBackend backend) => backend.Root!.Instance.Snapshots!.All;

    private protected static ImageSnapshot Find(BlockBackend backend, string name) => All(backend).First(snapshot => snapshot.Name == name);

    private protected static string Names(BlockBackend backend) => string.Join(' ', All(backend).Select(static snapshot => snapshot.Name));
}
