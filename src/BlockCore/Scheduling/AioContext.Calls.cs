namespace BlockGraph.BlockCore.Scheduling;

/// <content>Calling a context from anywhere: the marshalling of the public API.</content>
public abstract partial class AioContext
{
    /// <summary>
    /// Runs <paramref name="body"/> on this context and returns its result. A caller at home runs it at once; one of another
    /// context resumes there; any other resumes on its own SynchronizationContext or the pool, never on this loop.
    /// </summary>
    public Task<T> RunAsync<T>(Func<Task<T>> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return IsHome ? body() : RunForeignAsync(body);
    }

    /// <summary>Like <see cref="RunAsync{T}"/>, for a body without a result.</summary>
    public Task RunAsync(Func<Task> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return IsHome ? body() : RunForeignAsync(async () =>
        {
            await body();
            return true;
        });
    }

    /// <summary>Continues the caller off this loop: on <paramref name="origin"/> if it came from a context, else on the pool.</summary>
    internal static async ValueTask ReturnToCallerAsync(AioContext? origin)
    {
        if (origin is not null)
        {
            await origin.SwitchTo();
        }
        else
        {
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        }
    }

    private async Task<T> RunForeignAsync<T>(Func<Task<T>> body)
    {
        AioContext? origin = Current;
        await SwitchTo();
        try
        {
            return await body();
        }
        finally
        {
            if (origin is not null)
            {
                await origin.SwitchTo();
            }
            else
            {
                await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            }
        }
    }
}
