using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Tests.Transactions;

/// <summary>A filter whose hooks throw what no driver may, where the test says so.</summary>
internal sealed class BuggyDriver : BlockDriver
{
    /// <summary>The hook, as <c>name node</c>, that throws; null for none.</summary>
    public string? Bug { get; set; }

    /// <summary>The hooks that were called, as <c>name node</c>, in order.</summary>
    public List<string> Calls { get; } = [];

    /// <summary>How long each takes to prepare a reopen.</summary>
    public long PrepareNs { get; set; }

    public override string Name => "buggy";

    public override string Summary => "throws where it may not, for tests";

    public override DriverCategory Category => DriverCategory.Filter;

    public override bool SupportsReopen => true;

    public override OptionSchema Options { get; } = new(new OptionDefinition("file", OptionType.Child, "the child") { IsRequired = true });

    public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel) =>
        new Instance(this, await context.OpenChildAsync("file", ChildRole.Filtered | ChildRole.Primary));

    private void Check(string hook, BlockDriverInstance instance)
    {
        Calls.Add($"{hook} {instance.Node.Name}");
        if (Bug == Calls[^1])
        {
            throw new InvalidOperationException($"{hook} has a bug");
        }
    }

    private sealed class Instance(BuggyDriver driver, BlockChild file) : BlockDriverInstance
    {
        protected internal override long GetLengthBytes() => file.LengthBytes;

        protected internal override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => file.ReadAsync(offset, buffer, flags, cancel);

        protected internal override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => file.WriteAsync(offset, buffer, flags, cancel);

        protected internal override void CheckPermissions(PermissionSet users, ReopenContext? reopen) => driver.Check("check", this);

        protected internal override void CommitPermissions(PermissionSet users) => driver.Check("commit", this);

        protected internal override void AbortPermissions() => driver.Check("abort", this);

        protected internal override async Task PrepareReopenAsync(ReopenContext reopen, CancellationToken cancel)
        {
            driver.Check("prepare", this);
            if (driver.PrepareNs > 0)
            {
                await Node.Graph.MainContext.DelayAsync(driver.PrepareNs, cancel);
            }
        }

        protected internal override void CommitReopen(ReopenContext reopen) => driver.Check("reopen", this);

        protected internal override void AbortReopen(ReopenContext reopen) => driver.Check("give up", this);

        protected internal override Task ActivateAsync()
        {
            driver.Check("activate", this);
            return Task.CompletedTask;
        }

        protected internal override Task DeactivateAsync()
        {
            driver.Check("deactivate", this);
            return Task.CompletedTask;
        }

        protected internal override void DetachContext() => driver.Check("detach", this);

        protected internal override void AttachContext(AioContext context) => driver.Check("attach", this);

        protected internal override ValueTask CloseAsync()
        {
            driver.Check("close", this);
            return default;
        }
    }
}
