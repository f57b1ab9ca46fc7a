using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Permissions;

namespace BlockGraph.TestKit;

/// <summary>The smallest filter: everything goes to the child as it is. Variants differ in what they need of the child. Its requests are never skipped by a plan.</summary>
public class PassThroughDriver : BlockDriver
{
    /// <inheritdoc/>
    public override string Name => "pass-through";

    /// <inheritdoc/>
    public override string Summary => "passes everything on, for tests";

    /// <inheritdoc/>
    public override DriverCategory Category => DriverCategory.Filter;

    /// <inheritdoc/>
    public override bool SupportsReopen => true;

    /// <inheritdoc/>
    public override OptionSchema Options { get; } = new(new OptionDefinition("file", OptionType.Child, "the child") { IsRequired = true });

    /// <inheritdoc/>
    public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        return new Instance(await context.OpenChildAsync("file", ChildRole.Filtered | ChildRole.Primary), this);
    }

    /// <summary>Called before each request is passed on, but flushes.</summary>
    protected virtual void OnRequest()
    {
    }

    /// <summary>What the filter needs of its child and shares on it, where its own users need <paramref name="users"/> together: the same, here.</summary>
    protected virtual PermissionSet Needs(PermissionSet users) => users;

    private sealed class Instance(BlockChild file, PassThroughDriver driver) : BlockDriverInstance
    {
        protected override long GetLengthBytes() => file.LengthBytes;

        protected override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
        {
            driver.OnRequest();
            return file.ReadAsync(offset, buffer, flags, cancel);
        }

        protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
        {
            driver.OnRequest();
            return file.WriteAsync(offset, buffer, flags, cancel);
        }

        protected override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
        {
            driver.OnRequest();
            await file.WriteZeroesAsync(offset, length, flags, cancel);
            return true;
        }

        protected override async ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel)
        {
            driver.OnRequest();
            await file.DiscardAsync(offset, length, cancel);
            return true;
        }

        protected override ValueTask<bool> TryCopyFromAsync(long offset, long length, CopyTarget target, RequestFlags flags, CancellationToken cancel) =>
            file.TryCopyFromAsync(offset, length, target, flags, cancel);

        protected override ValueTask<bool> TryCopyToAsync(CopySource source, long offset, long length, RequestFlags flags, CancellationToken cancel) =>
            file.TryCopyToAsync(source, offset, length, flags, cancel);

        protected override PermissionSet GetChildPermissions(ChildPermissionRequest request) => driver.Needs(request.Users);
    }
}

/// <summary>A filter that needs nothing and shares everything, whatever its users want: it conflicts with nobody, and nobody with it.</summary>
public sealed class NoPermissionDriver : PassThroughDriver
{
    /// <inheritdoc/>
    public override string Name => "no-permission";

    /// <inheritdoc/>
    protected override PermissionSet Needs(PermissionSet users) => PermissionSet.Unused;
}

/// <summary>A filter that must be the only writer of its child: two of them beside each other over one node exclude each other.</summary>
public sealed class ExclusiveWriterDriver : PassThroughDriver
{
    /// <inheritdoc/>
    public override string Name => "exclusive-writer";

    /// <inheritdoc/>
    protected override PermissionSet Needs(PermissionSet users) => new(BlockPermissions.Write, BlockPermissions.All & ~BlockPermissions.Write);
}
