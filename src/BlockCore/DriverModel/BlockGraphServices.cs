using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.ObjectModel;
using BlockGraph.BlockCore.Scheduling;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace BlockGraph.BlockCore.DriverModel;

/// <summary>Registers the graph and its drivers with a container. Nothing in the graph itself takes one.</summary>
public static class BlockGraphServices
{
    /// <summary>Adds a <see cref="NodeGraph"/> with the registered drivers, on a main loop with a thread of its own unless a <see cref="MainLoop"/> is registered.</summary>
    public static IServiceCollection AddBlockGraph(this IServiceCollection services, Action<NodeGraphOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddSingleton(provider =>
        {
            NodeGraphOptions options = new();
            foreach (Action<NodeGraphOptions> step in provider.GetServices<Action<NodeGraphOptions>>())
            {
                step(options);
            }

            return options;
        });
        if (configure is not null)
        {
            services.AddSingleton(configure);
        }

        services.TryAddSingleton(provider => MainLoop.Start(provider.GetRequiredService<NodeGraphOptions>().Platform));
        services.TryAddSingleton(provider => new NodeGraph(
            provider.GetRequiredService<MainLoop>(),
            provider.GetServices<BlockDriver>(),
            provider.GetRequiredService<NodeGraphOptions>(),
            provider.GetServices<UserObjectType>()));
        return services;
    }

    /// <summary>Adds one driver; of two with one name the later counts.</summary>
    public static IServiceCollection AddBlockDriver<[System.Diagnostics.CodeAnalysis.DynamicallyAccessedMembers(System.Diagnostics.CodeAnalysis.DynamicallyAccessedMemberTypes.PublicConstructors)] T>(this IServiceCollection services)
        where T : BlockDriver
    {
        ArgumentNullException.ThrowIfNull(services);
        return services.AddSingleton<BlockDriver, T>();
    }

    /// <summary>Adds one type of user-created objects; of two with one name the later counts.</summary>
    public static IServiceCollection AddBlockObjectType<[System.Diagnostics.CodeAnalysis.DynamicallyAccessedMembers(System.Diagnostics.CodeAnalysis.DynamicallyAccessedMemberTypes.PublicConstructors)] T>(this IServiceCollection services)
        where T : UserObjectType
    {
        ArgumentNullException.ThrowIfNull(services);
        return services.AddSingleton<UserObjectType, T>();
    }
}
